import Glibc

/// Turns what the configuration says to listen on into sockets' addresses.
enum ListenPlan {
    struct Entry {
        let address: SocketAddress
        /// `localhost` means both loopback addresses, and a host without IPv6 has only one.
        let mayBeMissing: Bool
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func entries(for listen: ListenAddress) throws(Failure) -> [Entry] {
        switch listen {
        case .tcp(let host, let port): return try entries(host, port)
        case .unix: throw Failure(description: "cannot listen on \(listen): Unix sockets are not in this version")
        }
    }

    private static func entries(_ host: String, _ port: UInt16) throws(Failure) -> [Entry] {
        switch Host(text: host) {
        case .ipv4(let address):
            return [Entry(address: .ipv4(address, port: port), mayBeMissing: false)]
        case .ipv6(let address):
            return [Entry(address: .ipv6(address, port: port, scope: 0), mayBeMissing: false)]
        case .name("localhost"):
            let loopback = IPv6Address(high: 0, low: 1)
            return [
                Entry(address: .ipv4(IPv4Address(0x7f00_0001), port: port), mayBeMissing: false),
                Entry(address: .ipv6(loopback, port: port, scope: 0), mayBeMissing: true),
            ]
        case .name(let name):
            let found = Resolver.lookUpNow(name, port: port)
            guard !found.isEmpty else {
                throw Failure(description: "cannot listen on \(host):\(port): the name does not resolve")
            }
            return found.map { Entry(address: $0, mayBeMissing: false) }
        case nil:
            throw Failure(description: "cannot listen on \(host):\(port): that is neither an address nor a name")
        }
    }

    /// What a person needs to know when binding has failed.
    static func text(_ error: SystemError, for address: SocketAddress) -> String {
        let remedy =
            switch error.code {
            case EADDRINUSE: ": another program listens there already; choose another port, or stop it"
            case EADDRNOTAVAIL: ": this host does not have that address; 0.0.0.0 listens on all it has"
            case EACCES: ": ports below 1024 need a privilege; choose a higher one"
            default: ""
            }
        return "cannot listen on \(address): \(SystemError.text(error.code))\(remedy)"
    }
}
