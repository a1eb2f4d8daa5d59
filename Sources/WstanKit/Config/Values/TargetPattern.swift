import WstanBase

/// What `allow`, `deny` and `direct` name: hosts, and ports of them.
public struct TargetPattern: Sendable, Equatable {
    package enum Hosts: Sendable, Equatable {
        case any
        /// Whatever the caller holds for private.
        case isPrivate
        case network(IPNetwork)
        /// Lower case, without the root's dot; names below it are meant too.
        case name(String, includesItself: Bool)
    }

    static let everyPort: ClosedRange<UInt16> = 0...UInt16.max

    package var host: Hosts
    package var ports = everyPort

    package init(host: Hosts, ports: ClosedRange<UInt16> = everyPort) {
        self.host = host
        self.ports = ports
    }

    /// - Parameters:
    ///   - name: as the target was asked for, in any case, with the root's dot or without; nil when it was an address.
    ///   - address: what the name has become; nil before it is resolved.
    ///   - isPrivate: what an address counts as. Asked only by the pattern `private`, and only of an address.
    package func matches(
        name: String?, address: Host?, port: UInt16, isPrivate: (Host) -> Bool
    ) -> Bool {
        guard ports.contains(port) else { return false }
        switch host {
        case .any: return true
        case .isPrivate: return address.map(isPrivate) ?? false
        case .network(let network): return address.map(network.contains) ?? false
        case .name(let suffix, let includesItself):
            return name.map { Self.isName($0.utf8, below: suffix.utf8, orItself: includesItself) } ?? false
        }
    }

    /// Compared by bytes and by whole labels: `badexample.com` is not below `example.com`.
    private static func isName(
        _ name: String.UTF8View, below suffix: String.UTF8View, orItself includesItself: Bool
    ) -> Bool {
        let name = name.last == UInt8(ascii: ".") ? name.dropLast() : name[...]
        let extra = name.count - suffix.count
        guard extra >= 0, name.dropFirst(extra).elementsEqual(suffix, by: { lowerCase($0) == $1 }) else { return false }
        if extra == 0 { return includesItself }
        // At least one letter of a label before the dot.
        return extra >= 2 && name.prefix(extra).last == UInt8(ascii: ".")
    }

    private static func lowerCase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

extension TargetPattern {
    /// Reads addresses, networks, names, `*` and `private`, each with `:PORT` or `:FROM-TO` after it or without, or the
    /// ports alone, with commas or blanks between them.
    ///
    /// - Parameter takesPrivate: false where `allow-private` says the same.
    package static func list(_ text: String, takesPrivate: Bool) throws(ValueProblem) -> [TargetPattern] {
        var patterns: [TargetPattern] = []
        for item in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let pattern = try TargetPattern(String(item))
            guard takesPrivate || pattern.host != .isPrivate else {
                throw ValueProblem("private is not for this key: allow-private = yes or no says it")
            }
            guard patterns.count < ConfigurationBounds.targetPatterns else { throw Self.tooMany }
            patterns.append(pattern)
        }
        guard !patterns.isEmpty else { throw ValueProblem("names nothing: write * for everything, or leave it out") }
        return patterns
    }

    package static let tooMany = ValueProblem("more than \(ConfigurationBounds.targetPatterns) items: use fewer")

    private init(_ item: String) throws(ValueProblem) {
        guard !item.contains("://") else {
            throw ValueProblem("an item is a URI: write its host, as in example.com or example.com:443")
        }
        let bytes = item.utf8
        let colons = bytes.count { $0 == UInt8(ascii: ":") }
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")),
                let network = IPNetwork(text: String(decoding: bytes[..<close].dropFirst(), as: UTF8.self)),
                colons >= 2
            else {
                throw ValueProblem(
                    "brackets hold an IPv6 address or network, prefix included: write [2001:db8::/32]:443")
            }
            host = .network(network)
            ports = try Self.ports(bytes[close...].dropFirst())
        } else if colons >= 2 {
            guard let network = IPNetwork(text: item) else {
                throw ValueProblem(
                    "an item is no IPv6 network (no bits behind the prefix; brackets before a port):"
                        + " write 2001:db8::/32 or [2001:db8::/32]:443")
            }
            host = .network(network)
        } else {
            let head = bytes.prefix { $0 != UInt8(ascii: ":") }
            ports = try Self.ports(bytes[head.endIndex...])
            host = head.isEmpty ? .any : try Self.host(String(decoding: head, as: UTF8.self))
        }
    }

    /// What stands after the host: nothing, or a colon and a port or two.
    private static func ports(_ text: Substring.UTF8View) throws(ValueProblem) -> ClosedRange<UInt16> {
        guard let first = text.first else { return everyPort }
        let bounds = text.dropFirst().split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        let numbers = bounds.map {
            Quantity(String(decoding: $0, as: UTF8.self))?.count.flatMap { UInt16(exactly: $0) }
        }
        guard first == UInt8(ascii: ":"), (1...2).contains(numbers.count), let from = numbers.first ?? nil, from > 0,
            let to = numbers.last ?? nil, from <= to
        else { throw ValueProblem("the ports are none: write :443 or :8000-8999 after the host") }
        return from...to
    }

    private static func host(_ text: String) throws(ValueProblem) -> Hosts {
        switch text.lowercased() {
        case "*": return .any
        case "private": return .isPrivate
        default: break
        }
        if let network = IPNetwork(text: text) { return .network(network) }
        if text.utf8.contains(UInt8(ascii: "/")) {
            throw ValueProblem("an item is no network: write 192.0.2.0/24, with no bits behind the prefix")
        }
        let below = text.suffix(after: "*.") ?? text.suffix(after: ".")
        return .name(try name(below ?? text), includesItself: below == nil)
    }

    private static func name(_ text: String) throws(ValueProblem) -> String {
        let name = text.utf8.last == UInt8(ascii: ".") ? String(decoding: text.utf8.dropLast(), as: UTF8.self) : text
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isSound = labels.allSatisfy { (1...ConfigurationBounds.labelLength).contains($0.count) }
        guard isSound, name.utf8.count <= ConfigurationBounds.hostNameLength, name.utf8.allSatisfy(isNameByte) else {
            throw ValueProblem(
                "an item is neither an address nor a network nor a name: write 192.0.2.0/24, example.com (and what is"
                    + " below it), *.example.com or *")
        }
        // No top-level domain is a number, but resolvers take 10.1 for an address.
        guard let last = labels.last, !last.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw ValueProblem("an item is half an address: write all four numbers, like 10.0.0.0/8")
        }
        return name.lowercased()
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

extension TargetPattern: CustomStringConvertible {
    public var description: String {
        let colonAndPorts =
            if ports == Self.everyPort { "" } else if ports.count == 1 { ":\(ports.lowerBound)" } else {
                ":\(ports.lowerBound)-\(ports.upperBound)"
            }
        switch host {
        case .any: return "*" + colonAndPorts
        case .isPrivate: return "private" + colonAndPorts
        case .network(.ipv4(let address, let prefix)): return "\(address)/\(prefix)" + colonAndPorts
        case .network(.ipv6(let address, let prefix)):
            return colonAndPorts.isEmpty ? "\(address)/\(prefix)" : "[\(address)/\(prefix)]" + colonAndPorts
        case .name(let name, let includesItself): return (includesItself ? "" : "*.") + name + colonAndPorts
        }
    }
}
