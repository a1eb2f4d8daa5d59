import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// Turns what the configuration says to listen on into sockets' addresses, and what came of it into words.
enum ListenAddresses {
    enum Place: Equatable, Sendable {
        case network(SocketAddress)
        /// The path of a Unix socket.
        case unix(String)
    }

    struct Entry {
        let place: Place
        /// `localhost` means both loopback addresses, and a host without IPv6 has only one.
        let mayBeMissing: Bool

        init(_ address: SocketAddress, mayBeMissing: Bool = false) {
            place = .network(address)
            self.mayBeMissing = mayBeMissing
        }

        init(unix path: String) {
            place = .unix(path)
            mayBeMissing = false
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func entries(for listen: ListenAddress) throws(Failure) -> [Entry] {
        switch listen {
        case .tcp(let host, let port): return try entries(host, port)
        case .unix(let path): return [Entry(unix: path)]
        }
    }

    private static func entries(_ host: String, _ port: UInt16) throws(Failure) -> [Entry] {
        switch Host(text: host) {
        case .ipv4(let address):
            return [Entry(.ipv4(address, port: port))]
        case .ipv6(let address):
            return [Entry(.ipv6(address, port: port, scope: 0))]
        case .name("localhost"):
            let loopback = IPv6Address(high: 0, low: 1)
            return [
                Entry(.ipv4(IPv4Address(0x7f00_0001), port: port)),
                Entry(.ipv6(loopback, port: port, scope: 0), mayBeMissing: true),
            ]
        case .name(let name):
            let found = Resolver.lookUpNow(name, port: port)
            guard !found.isEmpty else {
                throw Failure(description: "cannot listen on \(host):\(port): the name does not resolve")
            }
            return found.map { Entry($0) }
        case nil:
            throw Failure(description: "cannot listen on \(host):\(port): that is neither an address nor a name")
        }
    }

    /// What a person needs to know when binding has failed.
    static func text(_ error: SystemError, for address: SocketAddress) -> String {
        let remedy = remedy(error).map { ": \($0)" } ?? ""
        return "cannot listen on \(address): \(SystemError.text(error.code))\(remedy)"
    }

    /// nil for what is rare.
    static func remedy(_ error: SystemError) -> String? {
        switch error.code {
        case EADDRINUSE: "another program listens there already; choose another port, or stop it"
        case EADDRNOTAVAIL: "this host does not have that address; 0.0.0.0 listens on all it has"
        case EACCES:
            "ports below 1024 need a privilege; let systemd open it (wstand.socket, which wstanctl init server sets up), "
                + "or choose a higher port"
        default: nil
        }
    }

    /// The same for the socket at a path.
    static func text(_ failure: UnixListener.Failure, for path: String) -> String {
        let directory = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        let cause =
            switch failure {
            case .taken(let process):
                "\(process?.description ?? "another program") listens there already; choose another path, or stop it"
            case .otherFile:
                "a file is in the way that is no socket; choose another path, or remove it"
            case .system(let error):
                switch error.code {
                case ENOENT, ENOTDIR:
                    "there is no directory \(directory); make it, or let systemd do so (RuntimeDirectory=)"
                case EACCES, EPERM, EROFS:
                    "\(SystemError.text(error.code)): this user has to be allowed to write in \(directory)"
                case ENAMETOOLONG:
                    "the path is above \(ConfigurationBounds.socketPathLength) bytes; choose a shorter one"
                default:
                    SystemError.text(error.code)
                }
            }
        return "cannot listen on unix:\(path): \(cause)"
    }
}
