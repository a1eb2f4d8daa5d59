import WstanBase
import WstanConfig

/// Where a server lets its clients go. `deny` comes first, then what `allow` says, then what is private is refused, and
/// all the rest is allowed. A `*` under `deny` comes behind `allow` instead, or nothing would be left: with it only that
/// is allowed which `allow` lists.
///
/// An item under `allow` that names addresses opens private ones too. One that names a name, or ports alone, does not:
/// whoever runs the name's zone chooses where it leads, and this host has ports as well.
package struct TargetRules: Sendable, Equatable {
    enum Verdict: Equatable {
        case allowed
        /// `key` is the one of the configuration that says so, or that would allow it.
        case refused(key: String)
    }

    var allow: [TargetPattern] = []
    var deny: [TargetPattern] = []
    var allowsPrivate = false

    /// Nothing is refused.
    static let open = TargetRules(allowsPrivate: true)

    /// Of a name that nobody has looked up yet: refused when no address could save it.
    func verdict(name: String, port: UInt16) -> Verdict {
        func matches(_ pattern: TargetPattern) -> Bool {
            pattern.matches(name: name, address: nil, port: port) { _ in false }
        }
        if deny.contains(where: { !$0.isEverything && matches($0) }) { return .refused(key: Self.denyKey) }
        let hasHope = allow.contains { matches($0) || $0.namesAddresses && $0.ports.contains(port) }
        return deniesTheRest && !hasHope ? .refused(key: Self.allowKey) : .allowed
    }

    /// Of an address that is about to be connected to, or sent to.
    ///
    /// - Parameters:
    ///   - name: what it was looked up by; nil when it was asked for as it is.
    ///   - own: the addresses of this host, which are private wherever they are.
    func verdict(name: String?, address: Host, port: UInt16, own: Set<Host>) -> Verdict {
        let address = address.unmapped
        let inner = address.ipv4OnTheWay
        func isPrivate(_ host: Host) -> Bool {
            PrivateNetworks.contains(host) || own.contains(host) || inner.map(own.contains) ?? false
        }
        func matches(_ pattern: TargetPattern, _ host: Host) -> Bool {
            pattern.matches(name: name, address: host, port: port, isPrivate: isPrivate)
        }

        // Asked of every datagram: where nothing is denied there is nothing to look for.
        if !deny.isEmpty {
            // The way through a translator is one to the address behind it, and one to no address leads to this host's
            // loopback.
            let reached = [address, inner].compactMap { $0 }
            let denied = reached + reached.compactMap(\.loopbackInstead)
            let isDenied = deny.contains { pattern in !pattern.isEverything && denied.contains { matches(pattern, $0) } }
            if isDenied { return .refused(key: Self.denyKey) }
        }
        let reasons = allow.filter { matches($0, address) }
        if reasons.contains(where: \.namesAddresses) { return .allowed }
        if deniesTheRest, reasons.isEmpty { return .refused(key: Self.allowKey) }
        return allowsPrivate || !isPrivate(address) ? .allowed : .refused(key: Self.privateKey)
    }

    /// Whether `verdict` looks at the addresses of this host.
    var asksForOwn: Bool { !allowsPrivate || (allow + deny).contains { $0.host == .isPrivate } }

    private var deniesTheRest: Bool { deny.contains(where: \.isEverything) }

    private static let allowKey = "allow"
    private static let denyKey = "deny"
    private static let privateKey = "allow-private"
}

extension TargetPattern {
    /// `*` without ports.
    fileprivate var isEverything: Bool { host == .any && ports == 0...65_535 }

    fileprivate var namesAddresses: Bool {
        switch host {
        case .network, .isPrivate: true
        case .any, .name: false
        }
    }
}

extension Host {
    /// The IPv4 address that a target is reached by in the end, where it is written as IPv6.
    fileprivate var ipv4OnTheWay: Host? {
        guard case .ipv6(let address) = self else { return nil }
        return PrivateNetworks.ipv4(in: address).map { .ipv4($0) }
    }

    /// Where the kernel connects to instead of 0.0.0.0 and ::.
    fileprivate var loopbackInstead: Host? {
        switch self {
        case .ipv4(IPv4Address(0)): .ipv4(IPv4Address(0x7f00_0001))
        case .ipv6(IPv6Address(high: 0, low: 0)): .ipv6(IPv6Address(high: 0, low: 1))
        default: nil
        }
    }
}
