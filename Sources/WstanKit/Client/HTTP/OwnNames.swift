import WstanBase
import WstanConfig

/// The names under which this proxy answers requests that are for itself, such as those for the PAC file.
///
/// A page of any site may have its name lead to this host (DNS rebinding), and then read what it gets from here as its own;
/// but its browser says in `Host` by which name it came. An address cannot be made to lead elsewhere.
struct OwnNames: Equatable {
    private let names: Set<String>

    /// - Parameters:
    ///   - listeners: as they are configured: a name there is one of this proxy's.
    ///   - host: what this host calls itself.
    init(listeners: [ListenAddress] = [], host: String? = nil) {
        var names: Set<String> = ["localhost"]
        for case .tcp(let name, _) in listeners { names.insert(Self.folded(name)) }
        if let host = host.map(Self.folded), let label = host.split(separator: ".").first {
            // RFC 6762: names of its own link, which no site has.
            names.formUnion([host, String(label), "\(label).local"])
        }
        self.names = names
    }

    /// Whether a request may be for this proxy, by its `Host`. Every browser says one.
    func areMeant(by head: HTTPHead) -> Bool {
        let values = head.values(of: "Host")
        guard let value = values.first else { return true }
        let text = String(decoding: value, as: UTF8.self)
        guard values.count == 1, let host = Address(authority: text)?.host ?? Host(text: text) else { return false }
        guard case .name(let name) = host else { return true }
        return names.contains(Self.folded(name))
    }

    /// - Returns: in lower case, without the root's dot.
    private static func folded(_ name: String) -> String {
        let name = name.lowercased()
        return name.utf8.last == UInt8(ascii: ".") ? String(name.dropLast()) : name
    }
}
