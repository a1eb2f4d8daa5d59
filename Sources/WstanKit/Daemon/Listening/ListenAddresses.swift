import Glibc
import WstanBase
import WstanConfig
import WstanCore

extension Settings {
    /// Where other hosts find no TLS, although the URI says that there is.
    func withoutTLS(among addresses: [SocketAddress]) -> [SocketAddress] {
        leavesTLSToFront ? addresses.filter { !$0.isLoopback } : []
    }
}

/// Turns what the configuration says to listen on into sockets' addresses, and what came of it into words.
enum ListenAddresses {
    enum Place: Equatable, Sendable {
        case network(SocketAddress)
        /// The path of a Unix socket.
        case unix(String)
    }

    struct Entry {
        let place: Place
        /// It is one of several places that one address of the configuration stands for, and this host may lack it: a host
        /// without IPv6 has only half of `localhost`. One of them has to be there.
        let mayBeMissing: Bool
        /// Another entry serves a part of the same address, so this one may be missing alone.
        fileprivate(set) var isRest = false

        init(_ address: SocketAddress, mayBeMissing: Bool = false) {
            place = .network(address)
            self.mayBeMissing = mayBeMissing
        }

        init(unix path: String) {
            place = .unix(path)
            mayBeMissing = false
        }

        /// Whether a socket for this one would serve what comes to the other one, which could then not be bound.
        func covers(_ other: Entry) -> Bool {
            ListenAddresses.covers(place, other.place)
        }

        /// Nil for a Unix socket, and where the kernel chooses the port.
        fileprivate var port: UInt16? {
            switch place {
            case .network(let address): address.port == 0 ? nil : address.port
            case .unix: nil
            }
        }

        fileprivate var isIPv4: Bool {
            if case .network(.ipv4) = place { true } else { false }
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The places that each address stands for. `[::]` is all addresses, of IPv4 too, unless another address of IPv4 is
    /// given for the same port: `0.0.0.0:80, [::]:80` and `127.0.0.1:80, [::]:80` mean what they say. `*` is all of them, and
    /// what another place covers is left out: two sockets cannot be bound there.
    ///
    /// - Returns: the entries of each address, in the order of the addresses.
    static func entries(for listen: [ListenAddress]) throws(Failure) -> [[Entry]] {
        var all: [[Entry]] = []
        for address in listen { all.append(try entries(for: address)) }
        let stated = zip(listen, all).flatMap { $0.isDual ? [] : $1 }.filter(\.isIPv4).compactMap(\.port)
        return withoutCovered(
            zip(listen, all).map { address, entries in
                guard address.isDual else { return entries }
                return entries.filter { entry in !entry.isIPv4 || !(entry.port.map(stated.contains) ?? false) }
            })
    }

    private static func withoutCovered(_ all: [[Entry]]) -> [[Entry]] {
        let entries = Array(all.joined())
        func isKept(_ index: Int) -> Bool {
            let entry = entries[index]
            return !entries.indices.contains { other in
                guard other != index, entries[other].covers(entry) else { return false }
                guard entry.covers(entries[other]) else { return true }
                // Of two for one place the one that may be missing stays, else the first.
                return entries[other].mayBeMissing == entry.mayBeMissing ? other < index : entries[other].mayBeMissing
            }
        }
        var index = 0
        return all.map { group in
            var kept: [Entry] = []
            for entry in group {
                if isKept(index) { kept.append(entry) }
                index += 1
            }
            if kept.count < group.count { for place in kept.indices { kept[place].isRest = true } }
            return kept
        }
    }

    /// Whether a socket at one place takes what comes to the other. Those of IPv6 are for IPv6 alone.
    static func covers(_ one: Place, _ other: Place) -> Bool {
        switch (one, other) {
        case (.unix(let path), .unix(let otherPath)): return path == otherPath
        case (.unix, .network), (.network, .unix): return false
        case (.network(let address), .network(let otherAddress)):
            guard address.port == otherAddress.port, address.port != 0 else { return false }
            switch (address, otherAddress) {
            case (.ipv4(let host, _), .ipv4): return host.value == 0 || address == otherAddress
            case (.ipv6(let host, _, _), .ipv6): return host.isUnspecified || address == otherAddress
            case (.ipv4, .ipv6), (.ipv6, .ipv4): return false
            }
        }
    }

    static func entries(for listen: ListenAddress) throws(Failure) -> [Entry] {
        switch listen {
        case .tcp(let host, let port): return try entries(host, port)
        case .unix(let path): return [Entry(unix: path)]
        }
    }

    private static func entries(_ host: String, _ port: UInt16) throws(Failure) -> [Entry] {
        if host == "*" { return both(IPv4Address(0), IPv6Address(high: 0, low: 0), port) }
        if let entry = try entry(withZone: host, port) { return [entry] }
        switch Host(text: host)?.unmapped {
        case .ipv4(let address):
            return [Entry(.ipv4(address, port: port))]
        case .ipv6(let address) where address.isUnspecified:
            return both(IPv4Address(0), address, port)
        case .ipv6(let address):
            return [Entry(.ipv6(address, port: port, scope: 0))]
        case .name("localhost"):
            return both(IPv4Address(0x7f00_0001), IPv6Address(high: 0, low: 1), port)
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

    /// RFC 4007 section 11: `fe80::1%eth0`, or with the interface's number.
    ///
    /// - Returns: nil for anything else.
    private static func entry(withZone host: String, _ port: UInt16) throws(Failure) -> Entry? {
        let parts = host.split(separator: "%", maxSplits: 1)
        guard parts.count == 2, let address = IPv6Address(text: parts[0]) else { return nil }
        let zone = String(parts[1])
        let index = if_nametoindex(zone)
        guard let scope = index != 0 ? index : UInt32(zone), scope != 0 else {
            throw Failure(
                description: "cannot listen on [\(host)]:\(port): this host has no interface \(zone); ip link lists those "
                    + "that it has")
        }
        return Entry(.ipv6(address, port: port, scope: scope))
    }

    private static func both(_ ipv4: IPv4Address, _ ipv6: IPv6Address, _ port: UInt16) -> [Entry] {
        [
            Entry(.ipv4(ipv4, port: port), mayBeMissing: true),
            Entry(.ipv6(ipv6, port: port, scope: 0), mayBeMissing: true),
        ]
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
        case EINVAL: "a link-local address needs its interface, as in [fe80::1%eth0]:PORT"
        case EADDRNOTAVAIL: "this host does not have that address; *:PORT listens on all of its addresses"
        case EACCES:
            "a port below 1024 needs a privilege; let systemd open it (wstand.socket, which wstanctl init server sets up), "
                + "or choose a higher one"
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

extension ListenAddress {
    /// Whether it is every address of both IP versions.
    fileprivate var isDual: Bool {
        switch self {
        case .tcp(let host, _):
            if case .ipv6(let address) = Host(text: host) { address.isUnspecified } else { false }
        case .unix: false
        }
    }
}

extension IPv6Address {
    fileprivate var isUnspecified: Bool { high == 0 && low == 0 }
}
