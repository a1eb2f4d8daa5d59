import Glibc
import WstanControl

/// Why a call came to nothing, and what to do about it.
enum FailureText {
    static func text(_ failure: ControlConnection.Failure, unit: String, path: String) -> String {
        switch failure {
        case .notRunning: "not running: systemctl start \(unit) (nobody listens on \(path))"
        case .notPermitted: "not permitted: use sudo, or add yourself to the group wstan and log in again"
        case .ended: "\(unit) has closed the connection without an answer: journalctl -u \(unit) may say why"
        case .malformed(let what): "what answers on \(path) is no wstand of this version: \(what)"
        case .timedOut: "\(unit) does not answer: journalctl -u \(unit) may say why"
        case .tooLong: "that is more than a message to wstand may hold"
        case .system(let call, let code): "cannot talk to \(path): \(call): \(String(cString: strerror(code)))"
        case .refused(let error): text(error)
        }
    }

    static func text(_ error: ControlError) -> String {
        switch error {
        case .configurationInvalid(let diagnostics):
            (["the configuration has errors, and nothing was changed:"] + diagnostics.map { "  " + text($0) })
                .joined(separator: "\n")
        case .noSuchTunnel(let id): "no tunnel has the number \(id): wstanctl tunnels lists them"
        case .noSuchKey(let id): "there is no key \(id): wstanctl keys lists them"
        case .keyExists(let name): "\(name) has a key already: rotate-key gives it another one"
        case .invalidKey(let message), .operationFailed(let message): message
        case .keyReadOnly(let source): "\(source): nothing was changed; --runtime-only changes it until the next restart"
        case .wrongState(let state): "wstand is \(state), and cannot do that now"
        case .methodNotImplemented(let method), .methodNotFound(let method), .interfaceNotFound(let method):
            "this wstand does not know \(method): it is another version than wstanctl"
        case .invalidParameter(let name): "wstand does not take that value for \(name)"
        case .permissionDenied: "not permitted: use sudo, or add yourself to the group wstan and log in again"
        case .expectedMore: "wstand wants to answer this call more than once: it is another version than wstanctl"
        case .other(let name, _): "wstand says \(name), which this wstanctl does not know"
        }
    }

    static func text(_ diagnostic: Control.Diagnostic) -> String {
        var place = ""
        if let file = diagnostic.file {
            place = file + ":"
            if let line = diagnostic.line { place += "\(line):" }
            if let column = diagnostic.column { place += "\(column):" }
            place += " "
        }
        return "\(place)\(diagnostic.severity.rawValue): \(diagnostic.message)"
    }
}
