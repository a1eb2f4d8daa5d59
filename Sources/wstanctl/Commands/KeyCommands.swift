import ArgumentParser
import WstanControl

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Lists the keys: whose they are, and how much they are used. Never the keys themselves.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        guard let keys = try DaemonClient(daemon).status().keys else {
            throw Failure(FailureText.notPermitted, status: .notPermitted)
        }
        if output.json { return keys.forEach(Terminal.sayJSON) }
        Terminal.say(KeyTable.table(keys, now: Terminal.now, manner: Terminal.manner).joined(separator: "\n"))
    }
}

/// A key that is given, and not made: never on the command line, which everybody can read.
struct KeyInputOptions: ParsableArguments {
    @Option(help: "Take the key from the first line of this file, or of stdin (-), instead of making one.", completion: .file())
    var keyFile: String?

    /// - Returns: nil when a key is to be made.
    func read() throws(Failure) -> String? {
        switch keyFile {
        case nil: nil
        case "-": try KeyInput.fromStdin()
        case let path?: try KeyInput.fromFile(path)
        }
    }
}

struct RotateKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-key", abstract: "Gives a name another key; the former one is accepted for a while.",
        discussion: """
            At a server it makes a key and shows it once. A client's key is its server's, so there it has to be given, with
            --key-file.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var input: KeyInputOptions
    @Argument(help: "Whose key. Without it the configured one.", completion: .custom(KeyNames.complete))
    var name: String?
    @Option(help: "How long the former key is accepted: 90s, 15min, 24h, 7d; 0 ends it at once. (default: 24h)")
    var grace: TypedTime?
    @Flag(help: "Until the next restart only: nothing is written.")
    var runtimeOnly = false

    func run() throws {
        let daemon = try DaemonClient(daemon)
        let reply = try daemon.call(
            RotateKey.self,
            .init(
                name: name, key: try input.read(), graceUSec: grace?.microseconds, runtimeOnly: runtimeOnly ? true : nil))
        if output.json { return Terminal.sayJSON(reply) }
        NewKey.tell(name ?? "default", reply.id, reply.key, isPersisted: reply.persisted || runtimeOnly, reply.warnings)
    }
}

struct AddKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-key", abstract: "Gives a key to a new name: one per device or person.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var input: KeyInputOptions
    @Argument(help: "Letters, digits, dots, dashes and underscores.")
    var name: String

    func run() throws {
        let reply = try DaemonClient(daemon).call(AddKey.self, .init(name: name, key: try input.read()))
        if output.json { return Terminal.sayJSON(reply) }
        NewKey.tell(name, reply.id, reply.key, isPersisted: reply.persisted, reply.warnings)
    }
}

private enum NewKey {
    static func tell(_ name: String, _ id: String, _ key: String?, isPersisted: Bool, _ warnings: [String]?) {
        Terminal.write(KeyTable.made(name: name, id: id, key: key))
        Terminal.warn(warnings)
        if !isPersisted, (warnings ?? []).isEmpty { Terminal.complain("warning: it will not survive a restart") }
    }
}

struct RetireKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "retire-key", abstract: "Ends a key now.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Argument(
        help: "Its id, from wstanctl keys; or a name, when it has but one key.", completion: .custom(KeyNames.completeKeys))
    var key: String
    @Flag(help: "End the tunnels that were opened with it, too.")
    var close = false

    func run() throws {
        let daemon = try DaemonClient(daemon)
        let id = try KeyNames.id(meantBy: key, among: try daemon.status().keys)
        let reply = try daemon.call(RetireKey.self, .init(id: id, close: close ? true : nil))
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.say(KeyTable.retired(id, closed: close ? reply.closed : nil))
        Terminal.warn(reply.warnings)
    }
}

/// The names and ids of keys, for who types them.
enum KeyNames {
    /// - Returns: the id of the key, or what was typed, for the daemon to judge.
    static func id(meantBy text: String, among keys: [Control.Key]?) throws(Failure) -> String {
        guard let keys, !keys.contains(where: { $0.id == text }) else { return text }
        let named = keys.filter { $0.name == text }
        guard named.count > 1 else { return named.first?.id ?? text }
        let ids = named.map { "\(Printable.text($0.id)) (\($0.state.rawValue))" }
        throw Failure(
            "\(Printable.text(text)) has several keys; name one by its id: \(ids.joined(separator: ", "))", status: .usage)
    }

    /// - Parameter words: of the command line, which may name the instance.
    private static func keys(_ words: [String]) -> [Control.Key] {
        func value(_ options: Set<String>) -> String? {
            zip(words, words.dropFirst()).first { options.contains($0.0) }?.1
        }
        var options = DaemonOptions()
        options.instance = value(["-i", "--instance"])
        options.socket = value(["--socket"])
        return (try? DaemonClient(options).status().keys) ?? []
    }

    @Sendable static func complete(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
        unique(keys(words).map(\.name))
    }

    @Sendable static func completeKeys(_ words: [String], _ index: Int, _ prefix: String) -> [String] {
        let keys = keys(words)
        return unique(keys.map(\.name)) + keys.map(\.id)
    }

    /// A name has several keys for a while.
    private static func unique(_ names: [String]) -> [String] {
        names.enumerated().filter { names.firstIndex(of: $1) == $0 }.map(\.1)
    }
}
