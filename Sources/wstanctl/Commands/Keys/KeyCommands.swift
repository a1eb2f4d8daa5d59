import ArgumentParser
import WstanControl

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "List the names and IDs of the keys, and how much each is used. Never the keys themselves.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let keys = try DaemonClient(daemon).keys()
        if output.json { return keys.forEach(Terminal.sayJSON) }
        Terminal.say(KeyTable.table(keys, now: Terminal.now, manner: Terminal.manner).joined(separator: "\n"))
    }
}

/// A key that is given instead of made: never on the command line, which every user of the host can read.
struct KeyInputOptions: ParsableArguments {
    @Option(
        help: "Take the key from the first line of this file instead of making one (-: stdin; a terminal asks for it).",
        completion: .file())
    var keyFile: String?
    @Flag(help: "The key that is given is a passphrase.")
    var passphrase = false

    func validate() throws {
        if passphrase, keyFile == nil { throw ValidationError("--passphrase needs --key-file, which gives the passphrase") }
    }

    /// - Returns: nil when a key is to be made.
    func read() throws(Failure) -> String? {
        let key: KeyText
        switch keyFile {
        case nil: return nil
        case "-": key = try KeyInput.fromStdin()
        case let path?: key = try KeyInput.fromFile(path)
        }
        return try KeyInput.checked(key, isPassphrase: passphrase)
    }
}

struct RotateKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-key",
        abstract: "Replace the key of a name. The old key is accepted for a while.",
        discussion: """
            On a server it makes a key, and prints it with what clients need. If the name has keys of both versions, --v1 or \
            --v2 says which. A client has the key of its server, so there the key is given with --key-file; the former one is \
            not kept.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var input: KeyInputOptions
    @Argument(help: "The name of the key. (default: the configured key)", completion: .custom(KeyNames.complete))
    var name: String?
    @Flag var version: KeyVersion?
    @Option(
        help: "Accept the old key for this long: 90s, 15min, 24h, 7d; 0: not at all. (default: 24h)",
        transform: TypedTime.argument)
    var grace: TypedTime?
    @Flag(help: "Until the next restart only: write nothing.")
    var runtimeOnly = false

    func run() throws {
        let client = try DaemonClient(daemon)
        let given = try input.read()
        var reply = try client.call(
            RotateKey.self,
            .init(
                name: name, key: given, graceUSec: grace?.microseconds, runtimeOnly: runtimeOnly ? true : nil,
                version: version?.rawValue))
        reply.writeKeyFile(of: client.instance, else: reply.key ?? given)
        if output.json { return Terminal.sayJSON(reply) }
        let grace = grace?.microseconds ?? Self.defaultGrace
        Terminal.write(
            NewKey(
                name: name, id: reply.id, key: reply.key, clientURI: reply.clientURI,
                isGuess: reply.clientURIGuessed ?? false,
                isLoopbackOnly: reply.clientURILoopback ?? false, instance: daemon.instance,
                formerKeys: reply.formerKeys, replacedKey: reply.replacedKey
            ).rotated(grace: grace, now: Terminal.now))
        Terminal.warnOfKey(reply.warnings, isPersisted: reply.persisted || runtimeOnly)
    }

    /// Microseconds.
    private static let defaultGrace = 86_400_000_000
}

struct AddKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-key", abstract: "Make a key for another device or person, and print what that client needs.",
        discussion: """
            Without --v1 and --v2 the key is of version 2 if the server has a key of version 2, or does not accept version 1; \
            else of version 1. A name can have a key of each version.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var input: KeyInputOptions
    @Argument(help: "Letters, digits, dots, dashes and underscores.")
    var name: String
    @Flag var version: KeyVersion?

    func run() throws {
        let reply = try DaemonClient(daemon).call(
            AddKey.self, .init(name: name, key: try input.read(), version: version?.rawValue))
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.write(
            NewKey(
                name: name, id: reply.id, key: reply.key, clientURI: reply.clientURI,
                isGuess: reply.clientURIGuessed ?? false,
                isLoopbackOnly: reply.clientURILoopback ?? false, instance: daemon.instance,
                otherKeys: reply.otherKeys ?? []
            ).added)
        Terminal.warnOfKey(reply.warnings, isPersisted: reply.persisted)
    }
}

extension Terminal {
    static func warnOfKey(_ warnings: [String]?, isPersisted: Bool) {
        warn(warnings)
        if !isPersisted, (warnings ?? []).isEmpty { complain("warning: the key is lost with the next restart") }
    }
}

struct RetireKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire-key", abstract: "Stop accepting a key, now.",
        discussion: """
            If the key file has this key, and the server has a key of version 2, the server's string is written in its place.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Argument(
        help: "The ID, from wstanctl keys, or a name that has one key only.", completion: .custom(KeyNames.completeKeys)
    )
    var key: String
    @Flag(help: "Close the tunnels that were opened with it, too. Those of a key of version 2 are always closed.")
    var close = false

    func run() throws {
        let daemon = try DaemonClient(daemon)
        let id = try KeyNames.id(meantBy: key, among: try daemon.keys())
        var reply = try daemon.call(RetireKey.self, .init(id: id, close: close ? true : nil))
        reply.writeKeyFile(of: daemon.instance)
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.say(KeyTable.retired(id, closed: close ? reply.closed : nil))
        Terminal.warn(reply.warnings)
    }
}

/// The names and IDs of keys, as they are typed.
enum KeyNames {
    /// - Returns: the id of the key, or what was typed, for the daemon to judge.
    static func id(meantBy text: String, among keys: [Control.Key]) throws(Failure) -> String {
        guard !keys.contains(where: { $0.id == text }) else { return text }
        let named = keys.filter { $0.name == text }
        guard named.count > 1 else { return named.first?.id ?? text }
        let ids = named.map { "\(Printable.text($0.id)) (\(KeyTable.kind($0)), \($0.state.rawValue))" }
        throw Failure(
            "\(Printable.text(text)) has several keys. Give the ID of one: \(ids.joined(separator: ", "))",
            status: .usage)
    }

    /// - Parameter words: of the command line, which may name the instance.
    private static func keys(_ words: [String]) -> [Control.Key] {
        var options = words.contains("--user") ? ["--user"] : []
        for (option, value) in zip(words, words.dropFirst()) where ["-i", "--instance", "--socket"].contains(option) {
            options += [option, value]
        }
        return (try? DaemonClient(try DaemonOptions.parse(options)).keys()) ?? []
    }

    @Sendable static func complete(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
        unique(keys(words).filter { $0.kind != .server }.map(\.name))
    }

    @Sendable static func completeKeys(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
        let keys = keys(words)
        return unique(keys.filter { $0.kind != .server }.map(\.name)) + keys.map(\.id)
    }

    /// A name has several keys for a while.
    private static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
