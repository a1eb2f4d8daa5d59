import WstanControl

/// Tunnels as a table that fits a terminal.
struct TunnelTable {
    let lines: [String]

    private static let columns = [
        Table.Column("ID", .right), .init("STATE"), .init("AGE", .right, rank: 5), .init("IDLE", .right, rank: 8),
        .init("IN", .right, rank: 3), .init("OUT", .right, rank: 2), .init("RTT", .right, rank: 9),
        .init("KEY", least: 8, rank: 7), .init("PEER", least: 15, rank: 4), .init("CLIENT", least: 15, rank: 6),
        .init("TARGET", least: 16),
    ]

    /// - Parameter now: microseconds since 1970.
    init(_ tunnels: [Control.Tunnel], now: Int, manner: Manner) {
        // A server knows of no user agents, and says nothing of them.
        let kept = Self.columns.indices.filter { column in
            Self.columns[column].title != "CLIENT" || tunnels.contains { $0.client != nil }
        }
        let rows = tunnels.map { Self.cells($0, now: now) }
        lines = Table(kept.map { Self.columns[$0] }, rows.map { row in kept.map { row[$0] } }, manner: manner).lines
    }

    /// One line of what has become of a tunnel, for a pipe.
    static func change(_ tunnel: Control.Tunnel, _ event: Control.TunnelEvent, now: Int) -> String {
        let texts = [
            event.rawValue, String(tunnel.id), state(tunnel), Amount.shortTime(from: tunnel.startTimestampUSec, to: now),
            "in \(Amount.bytes(tunnel.bytesReceived))", "out \(Amount.bytes(tunnel.bytesSent))", "peer \(tunnel.peer)",
            tunnel.client.map { "client \($0)" }, tunnel.key.map { "key \($0)" }, tunnel.target.map { "target \($0)" },
        ]
        return texts.compactMap { $0.map(Printable.text) }.joined(separator: "  ")
    }

    private static func cells(_ tunnel: Control.Tunnel, now: Int) -> [String] {
        [
            String(tunnel.id), state(tunnel), Amount.shortTime(from: tunnel.startTimestampUSec, to: now),
            Amount.shortTime(from: tunnel.lastActivityTimestampUSec, to: now), Amount.bytes(tunnel.bytesReceived),
            Amount.bytes(tunnel.bytesSent), tunnel.rttUSec.map { Amount.roundTrip(microseconds: $0) } ?? "-",
            tunnel.key ?? "-", tunnel.peer, tunnel.client ?? "-", tunnel.target ?? "-",
        ]
    }

    private static func state(_ tunnel: Control.Tunnel) -> String {
        tunnel.protocol == .udp ? "\(tunnel.state.rawValue)/udp" : tunnel.state.rawValue
    }
}
