import ArgumentParser
import Glibc
import WstanControl

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Lists the keys: whose they are, and how much they are used. Never the keys themselves.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let status = try Daemon(daemon).call(GetStatus.self, .init())
        guard let keys = status.keys else {
            Terminal.complain("not permitted: use sudo, or add yourself to the group wstan and log in again")
            throw Status.notPermitted
        }
        for key in keys {
            if output.json { Terminal.sayJSON(key) } else { Terminal.say(KeyText.line(key, now: Terminal.now)) }
        }
    }
}

/// A key that is given, and not made: never on the command line, which everybody can read.
struct KeyInput: ParsableArguments {
    @Option(help: "Take the key from this file, or from stdin (-), instead of making one.")
    var keyFile: String?

    /// - Returns: the first line; nil when a key is to be made.
    func read() throws -> String? {
        guard let keyFile else { return nil }
        let descriptor = keyFile == "-" ? STDIN_FILENO : open(keyFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            Terminal.complain("cannot read \(keyFile): \(String(cString: strerror(errno)))")
            throw Status.failed
        }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        // A key is short; what follows its line is nobody's business.
        while !bytes.contains(10), bytes.count <= buffer.count {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        let line = bytes.prefix { $0 != 10 && $0 != 13 }
        guard !line.isEmpty else {
            Terminal.complain("there is no key in \(keyFile == "-" ? "stdin" : keyFile)")
            throw Status.failed
        }
        return String(decoding: line, as: UTF8.self)
    }
}

struct RotateKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-key", abstract: "Gives a name another key; the former one is accepted for a while.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var input: KeyInput
    @Argument(help: "Whose key. Without it the configured one.")
    var name: String?
    @Option(help: "How long the former key is accepted: 90s, 15min, 24h, 7d; 0 ends it at once.")
    var grace = "24h"
    @Flag(help: "Until the next restart only: nothing is written.")
    var runtimeOnly = false

    func validate() throws {
        if Amount.microseconds(grace) == nil { throw ValidationError("--grace takes a time such as 15min or 24h") }
    }

    func run() throws {
        let reply = try Daemon(daemon).call(
            RotateKey.self,
            .init(
                name: name, key: try input.read(), graceUSec: Amount.microseconds(grace),
                runtimeOnly: runtimeOnly ? true : nil))
        if output.json { return Terminal.sayJSON(reply) }
        NewKeyText.say(id: reply.id, key: reply.key, isPersisted: reply.persisted || runtimeOnly, reply.warnings)
    }
}

struct AddKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-key", abstract: "Gives a key to a new name: one per device or person.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var input: KeyInput
    @Argument(help: "Letters, digits, dots, dashes and underscores.")
    var name: String

    func run() throws {
        let reply = try Daemon(daemon).call(AddKey.self, .init(name: name, key: try input.read()))
        if output.json { return Terminal.sayJSON(reply) }
        NewKeyText.say(id: reply.id, key: reply.key, isPersisted: reply.persisted, reply.warnings)
    }
}

private enum NewKeyText {
    static func say(id: String, key: String?, isPersisted: Bool, _ warnings: [String]?) {
        Terminal.say("The key in use is \(id) now.")
        if let key {
            Terminal.say("This is the only time that it is shown. The line for the client's configuration:\n\n    key = \(key)\n")
        }
        for warning in warnings ?? [] { Terminal.complain("warning: \(warning)") }
        if !isPersisted, (warnings ?? []).isEmpty { Terminal.complain("warning: it will not survive a restart") }
    }
}

struct RetireKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire-key", abstract: "Ends a key now.")

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Its id, from wstanctl keys.")
    var id: String
    @Flag(help: "End the tunnels that were opened with it, too.")
    var close = false

    func run() throws {
        let reply = try Daemon(daemon).call(RetireKey.self, .init(id: id, close: close ? true : nil))
        if output.json { return Terminal.sayJSON(reply) }
        Terminal.say("The key \(id) is not accepted any more." + (close ? " \(reply.closed) tunnels were closed." : ""))
        for warning in reply.warnings ?? [] { Terminal.complain("warning: \(warning)") }
    }
}

struct ClientConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client-config", abstract: "Prints a configuration for a client of this server. It holds the key.")

    @OptionGroup var daemon: DaemonOptions
    @Option(name: .customLong("key"), help: "The name whose key it is. Without it the configured one.")
    var name: String?

    func run() throws {
        let reply = try Daemon(daemon).call(GetClientConfiguration.self, .init(keyName: name))
        print(reply.text, terminator: "")
    }
}
