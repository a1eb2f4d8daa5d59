import CSystemd
import Glibc
import WstanConfig
import WstanCore

/// What the sockets that a service manager has passed are for, by their names (FileDescriptorName= in a socket unit).
struct SocketActivation {
    /// Where user agents or tunnels arrive; instead of `listen`, unless it is empty.
    private(set) var listeners: [PassedSocket] = []
    /// By a forward's name; instead of its `listen`.
    private(set) var forwards: [String: [PassedSocket]] = [:]
    /// Instead of the path of the control socket.
    private(set) var control: PassedSocket?

    /// The units are wrong, and another try would not help.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    private enum Purpose: Equatable {
        case listen
        case control
        case forward(String)
    }

    init() {}

    /// - Parameter forwards: those of the configuration, none at a server.
    init(_ sockets: [PassedSocket], forwards known: [Forward]) throws(Failure) {
        for socket in sockets {
            guard let purpose = Self.purpose(of: socket.name, known) else { throw Self.unknown(socket.name, known) }
            switch purpose {
            case .listen:
                guard case .listener = socket.kind else { throw Self.wrong(socket, "a stream socket that listens") }
                listeners.append(socket)
            case .control:
                guard case .listener(.unix) = socket.kind else {
                    throw Self.wrong(socket, "a Unix stream socket that listens")
                }
                guard control == nil else {
                    throw Failure(description: "more than one control socket was passed: \(Self.controlName) is one")
                }
                control = socket
            case .forward(let name):
                guard let forward = known.first(where: { $0.name == name }) else { break }
                try Self.check(socket, for: forward)
                self.forwards[name, default: []].append(socket)
            }
        }
    }

    var isEmpty: Bool { listeners.isEmpty && forwards.isEmpty && control == nil }

    // MARK: Names

    private static let listenName = "listen"
    /// Varlink's own, by which systemd's tools find it.
    private static let controlName = "varlink"
    private static let forwardPrefix = "forward-"
    /// What sd_listen_fds_with_names(3) calls one that the unit does not name.
    private static let noName = "unknown"

    private static func purpose(of name: String, _ forwards: [Forward]) -> Purpose? {
        if let forward = name.suffix(after: forwardPrefix) {
            return forwards.contains { $0.name == forward } ? .forward(forward) : nil
        }
        switch name {
        case listenName, noName: return .listen
        case controlName, "control": return .control
        default: break
        }
        // Without FileDescriptorName= a socket is called after its unit.
        if isUnit("wstand", name) { return .listen }
        return isUnit("wstand-control", name) ? .control : nil
    }

    /// `wstand.socket`, or `wstand@NAME.socket`.
    private static func isUnit(_ prefix: String, _ name: String) -> Bool {
        let end = ".socket"
        guard let rest = name.suffix(after: prefix), rest.utf8.count >= end.utf8.count else { return false }
        let instance = rest.utf8.dropLast(end.utf8.count)
        guard rest.utf8.suffix(end.utf8.count).elementsEqual(end.utf8) else { return false }
        return instance.isEmpty || (instance.first == UInt8(ascii: "@") && instance.count > 1)
    }

    // MARK: Complaints

    private static func unknown(_ name: String, _ forwards: [Forward]) -> Failure {
        let names = [listenName, controlName] + forwards.map { forwardPrefix + $0.name }
        let shown = String(String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }))
        return Failure(
            description: "a socket named \"\(shown)\" was passed, which means nothing here: FileDescriptorName= in its "
                + "unit is one of \(names.joined(separator: ", "))")
    }

    private static func wrong(_ socket: PassedSocket, _ wanted: String) -> Failure {
        let found =
            switch socket.kind {
            case .listener(.network): "a stream socket of the network"
            case .listener(.unix): "a Unix stream socket"
            case .datagrams(.network): "a datagram socket"
            case .datagrams(.unix): "a Unix datagram socket"
            case .other(let words): words
            }
        return Failure(description: "the socket \"\(socket.name)\" that was passed is \(found): it has to be \(wanted)")
    }

    private static func check(_ socket: PassedSocket, for forward: Forward) throws(Failure) {
        switch (forward.transport, socket.kind) {
        case (.tcp, .listener), (.udp, .datagrams(.network)): break
        case (.tcp, _): throw wrong(socket, "a stream socket that listens (ListenStream=)")
        case (.udp, _): throw wrong(socket, "a datagram socket of the network (ListenDatagram=)")
        }
    }
}

/// The sockets that were passed to this process (sd_listen_fds(3)).
enum PassedSockets {
    /// Takes them, and the variables out of the environment, so that no program that this one starts takes them for its own.
    /// Before any thread is started.
    static func adopt() throws(SocketActivation.Failure) -> [PassedSocket] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        // It looks at LISTEN_PID, and makes them close on exec.
        let said = ListenVariables.system
        let count = sd_listen_fds_with_names(1, &names)
        guard count >= 0 else {
            let cause = said.mistake ?? SystemError.text(-count)
            throw SocketActivation.Failure(description: "the sockets that were passed cannot be taken: \(cause)")
        }
        defer {
            for index in 0..<Int(count) { free(names?[index]) }
            free(names)
        }
        return (0..<count).map { index in
            let name = names?[Int(index)].map { String(cString: $0) } ?? ""
            return PassedSocket(firstDescriptor + index, name: name)
        }
    }

    /// SD_LISTEN_FDS_START, a macro that Swift does not import.
    private static let firstDescriptor: Int32 = 3
}

/// What the environment says of passed sockets (sd_listen_fds(3)).
struct ListenVariables: Equatable {
    let process: String?
    let count: String?
    let names: String?

    static var system: ListenVariables {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        return ListenVariables(process: value("LISTEN_PID"), count: value("LISTEN_FDS"), names: value("LISTEN_FDNAMES"))
    }

    /// Why nothing can be made of it, and what to do; nil: it is sound, as far as can be told.
    var mistake: String? {
        let remedy = "a service manager sets it; unset it if something else did"
        guard process == nil || process.flatMap(Int32.init).map({ $0 > 0 }) == true else {
            return "LISTEN_PID is no process ID: \(remedy)"
        }
        guard let count = self.count.flatMap(Int32.init), (1...Int32(UInt16.max)).contains(count) else {
            return "LISTEN_FDS is no number of sockets: \(remedy)"
        }
        let named = names.map { $0.split(separator: ":", omittingEmptySubsequences: false).count }
        if let named, named != Int(count) {
            return "LISTEN_FDS says \(count) and LISTEN_FDNAMES names \(named): give one name for each socket, with colons "
                + "between them"
        }
        guard fcntl(2 + count, F_GETFD) < 0 else { return nil }
        return "LISTEN_FDS says \(count), and the last of them is not open: \(remedy)"
    }
}
