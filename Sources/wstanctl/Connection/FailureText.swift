import Glibc
import WstanControl

/// Why a call failed, and what to do about it.
enum FailureText {
    /// - Parameter right: that the call needs.
    static func text(
        _ failure: ControlConnection.Failure, _ instance: Instance, needing right: Control.Right = .group
    ) -> String {
        switch failure {
        case .notRunning: stopped(instance)
        case .notPermitted: notPermitted(right)
        case .ended: "\(instance.title) closed the connection before it had answered: \(instance.journalCommand) may say why"
        case .malformed(let what):
            "the answer on \(Printable.text(instance.socket)) is not one of this version of wstand: \(Printable.text(what))"
        case .timedOut: "\(instance.title) does not answer: \(instance.journalCommand) may say why"
        case .tooLong: "the message is too long for wstand"
        case .system(let call, let code):
            "cannot talk to \(Printable.text(instance.socket)): \(call): \(String(cString: strerror(code)))"
        case .refused(.permissionDenied): notPermitted(right)
        case .refused(let error): text(error)
        }
    }

    /// - Parameter right: that the command needs.
    static func notPermitted(_ right: Control.Right) -> String {
        switch right {
        case .everyone, .group: "not permitted: use sudo, or add yourself to the group wstan and log in again"
        case .owner: "not permitted: only root and the user that wstand runs as may do this: use sudo"
        }
    }

    /// - Parameter instance: one that was named, and is not set up.
    static func unknown(_ instance: Instance) -> String {
        "no configuration for \(instance.label) (\(Printable.text(instance.configuration))). Make one: "
            + "wstanctl init client \(instance.name ?? "NAME")" + (instance.manager == .user ? " --user" : "")
    }

    static func stopped(_ instance: Instance) -> String {
        instance.isElsewhere
            ? "wstand is not running: \(Printable.text(instance.socket)) does not answer"
            : "\(instance.label) is not running. Start it: \(instance.startCommand)"
    }

    /// - Parameter how: by systemd.
    static func failed(_ instance: Instance, _ how: String) -> String {
        "\(instance.label) is not running: its service has failed (\(Printable.text(how))). "
            + "\(instance.journalCommand) -n 20 may say why. Correct it, then: \(instance.restartCommand)"
    }

    /// - Parameters:
    ///   - expected: those that are set up on this host.
    ///   - failed: those that have failed, and how.
    static func noneRuns(_ expected: [Instance], failed: [(instance: Instance, how: String)] = []) -> String {
        guard failed.isEmpty else { return failed.map { Self.failed($0.instance, $0.how) }.joined(separator: "\n") }
        return switch expected.count {
        case 0:
            "wstand is not running. Start it: systemctl start wstand (on a fresh install run wstanctl init first)"
        case 1: stopped(expected[0])
        default:
            "wstand is not running. Start an instance: "
                + expected.prefix(4).map(\.startCommand).joined(separator: ", or ")
        }
    }

    static func several(_ instances: [Instance]) -> String {
        let width = instances.map(\.label.count).max() ?? 0
        let users = instances.contains { $0.manager == .user } ? ", --user" : ""
        let lines = instances.map { "  " + Printable.padded($0.label, to: width) + "  " + Printable.text($0.socket) }
        return (["several instances are running. Choose one with -i\(users) or --socket:"] + lines).joined(separator: "\n")
    }

    static func text(_ error: ControlError) -> String {
        switch error {
        case .configurationInvalid(let diagnostics):
            (["the configuration has errors. Nothing was changed."] + diagnostics.map { "  " + text($0) })
                .joined(separator: "\n")
        case .noSuchTunnel(let id): "there is no tunnel \(id). wstanctl tunnels lists them."
        case .noSuchKey(let id): "there is no key \(Printable.text(id)). wstanctl keys lists names and IDs."
        case .keyExists(let name): "\(Printable.text(name)) already has a key. wstanctl rotate-key \(Printable.text(name)) replaces it."
        case .invalidKey(let message), .operationFailed(let message): Printable.text(message)
        case .keyReadOnly(let source):
            "\(Printable.text(source)). Nothing was changed; --runtime-only changes the key until the next restart."
        case .wrongState(Control.Mode.client.rawValue): "wstand is a client. Run this on its server."
        case .wrongState(let state): "wstand is \(Printable.text(state)) and cannot do that now"
        case .methodNotImplemented(let method), .methodNotFound(let method), .interfaceNotFound(let method):
            "wstand does not know \(Printable.text(method)): its version differs from wstanctl's"
        case .invalidParameter("name"):
            "a name of a key has 1 to 64 letters (A-Z, a-z), digits, dots, dashes and underscores"
        case .invalidParameter(let name): "wstand refuses the value for \(Printable.text(name))"
        case .permissionDenied: notPermitted(.group)
        case .expectedMore: "wstand answers this call more than once: its version differs from wstanctl's"
        case .other(let name, _): "wstand answers \(Printable.text(name)), which this wstanctl does not know"
        }
    }

    static func text(_ diagnostic: Control.Diagnostic) -> String {
        var place = ""
        if let file = diagnostic.file {
            place = Printable.text(file) + ":"
            if let line = diagnostic.line { place += "\(line):" }
            if let column = diagnostic.column { place += "\(column):" }
            place += " "
        }
        return "\(place)\(diagnostic.severity.rawValue): \(Printable.text(diagnostic.message))"
    }
}
