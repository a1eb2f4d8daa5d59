import WstanBase

/// Why a server with the right key may refuse a request: each is found out by asking in the way that it would want.
enum RefusalCause: CaseIterable {
    /// Python's 0.4 knows no empty request.
    case oldServer
    /// Only one end is in compatible mode.
    case compatibleMode
    /// One end's URI says ws, and the other's wss.
    case scheme

    func change(of probe: UpgradeProbe) -> (UpgradeProbe, UpgradeProbe.Question) {
        var changed = probe
        switch self {
        case .oldServer:
            // A target that no server of ours lets anybody go to, and where hardly anybody listens: discard (RFC 863).
            return (probe, .target(Address(host: .ipv4(IPv4Address(0x7f00_0001)), port: 9)))
        case .compatibleMode: changed.mode.isCompatible.toggle()
        case .scheme: changed.mode.usesCipher.toggle()
        }
        return (changed, .idle)
    }

    /// - Parameters:
    ///   - compatible: whether this end is in that mode.
    ///   - usesTLS: whether this end's URI says wss.
    func finding(compatible: Bool, usesTLS: Bool) -> Finding {
        switch self {
        case .oldServer:
            .warning(
                "tunnel", "the server knows the key, but no empty requests, as Python's wstan 0.4",
                remedy: "update it: no tunnels are opened ahead there, so connections take longer to begin")
        case .compatibleMode:
            .failed(
                .other, "tunnel",
                "the server knows the key, and " + (compatible ? "is not in compatible mode" : "is in compatible mode"),
                remedy:
                    "set compatible = \(compatible ? "no" : "yes") here, or change it there: both ends have to agree")
        case .scheme:
            .failed(
                .other, "tunnel",
                "the server knows the key, but its uri says \(usesTLS ? "ws" : "wss"):// and this one's "
                    + "\(usesTLS ? "wss" : "ws")://",
                remedy: "give both ends the same: wss:// where a front or the server ends TLS, else ws://")
        }
    }
}
