import CLinux
import Glibc

/// A socket that another process, such as a service manager, has opened and passed to this one. It may outlive the process:
/// it is closed here and never shut down, and the file of a Unix socket is not ours to remove.
package struct PassedSocket: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// A stream socket that listens.
        case listener(Family)
        /// A bound datagram socket.
        case datagrams(Family)
        /// In words that follow "is".
        case other(String)
    }

    package enum Family: Equatable, Sendable {
        case network(SocketAddress)
        /// nil: it has no name. An abstract one begins with `@`.
        case unix(String?)
    }

    let descriptor: Int32
    /// As the service manager calls it.
    package let name: String
    package let kind: Kind

    init(descriptor: Int32, name: String, kind: Kind) {
        self.descriptor = descriptor
        self.name = name
        self.kind = kind
    }

    /// Looks at what it is.
    package init(_ descriptor: Int32, name: String) {
        self.init(descriptor: descriptor, name: name, kind: Self.kind(of: descriptor))
    }

    /// Where it listens, as a person would write it.
    package var place: String {
        switch kind {
        case .listener(.network(let address)), .datagrams(.network(let address)): "\(address)"
        case .listener(.unix(let path)), .datagrams(.unix(let path)): "unix:\(path ?? "")"
        case .other(let words): words
        }
    }

    /// Neither waits nor is inherited by what this process may start.
    func prepare() throws(SystemError) {
        let flags = try SystemError.check("fcntl") { fcntl(descriptor, F_GETFL) }
        _ = try SystemError.check("fcntl") { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
        _ = try SystemError.check("fcntl") { fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }

    private static func kind(of descriptor: Int32) -> Kind {
        guard let type = SocketOption.type.get(from: descriptor) else { return .other("no socket") }
        guard let family = family(of: descriptor) else { return .other("a socket of a family that is not served") }
        switch type {
        case Int32(SOCK_STREAM.rawValue):
            guard SocketOption.acceptsConnections.get(from: descriptor) == 1 else {
                return .other("a stream socket that does not listen (Accept=yes in its unit?)")
            }
            return .listener(family)
        case Int32(SOCK_DGRAM.rawValue):
            return .datagrams(family)
        default:
            return .other("neither a stream nor a datagram socket")
        }
    }

    private static func family(of descriptor: Int32) -> Family? {
        if let address = SocketAddress.read({ getsockname(descriptor, $0, &$1) }).1 { return .network(address) }
        guard SocketOption.domain.get(from: descriptor) == AF_UNIX else { return nil }
        return .unix(UnixPath.name(of: descriptor))
    }
}
