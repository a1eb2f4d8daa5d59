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

    /// With what flows, which is what matters then.
    private static let columnsWithFlows = [
        Table.Column("ID", .right), .init("STATE", rank: 6), .init("AGE", .right, rank: 4), .init("IDLE", .right, rank: 5),
        .init("IN/S", .right), .init("OUT/S", .right), .init("IN", .right, rank: 8), .init("OUT", .right, rank: 7),
        .init("RTT", .right, rank: 11), .init("KEY", least: 8, rank: 10), .init("PEER", least: 15, rank: 3),
        .init("CLIENT", least: 15, rank: 9), .init("TARGET", least: 20),
    ]

    /// - Parameters:
    ///   - flows: what flows in a second, by the tunnels' numbers; nil: without that.
    ///   - now: microseconds since 1970.
    init(_ tunnels: [Control.Tunnel], flows: [Int: Flow]? = nil, now: Int, manner: Manner) {
        let columns = flows == nil ? Self.columns : Self.columnsWithFlows
        // A server knows of no user agents, and says nothing of them.
        let kept = columns.indices.filter { column in
            columns[column].title != "CLIENT" || tunnels.contains { $0.client != nil }
        }
        let rows = tunnels.map { tunnel in
            let cells = Self.cells(tunnel, flows.map { $0[tunnel.id] }, now: now)
            return kept.map { cells[columns[$0].title] ?? "-" }
        }
        lines = Table(kept.map { columns[$0] }, rows, manner: manner).lines
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

    /// By the columns' titles; what is not known is missing.
    private static func cells(_ tunnel: Control.Tunnel, _ flow: Flow??, now: Int) -> [String: String] {
        var cells = [
            "ID": String(tunnel.id), "STATE": state(tunnel),
            "AGE": Amount.shortTime(from: tunnel.startTimestampUSec, to: now),
            "IDLE": Amount.shortTime(from: tunnel.lastActivityTimestampUSec, to: now),
            "IN": Amount.bytes(tunnel.bytesReceived), "OUT": Amount.bytes(tunnel.bytesSent), "PEER": tunnel.peer,
        ]
        cells["RTT"] = tunnel.rttUSec.map { Amount.roundTrip(microseconds: $0) }
        cells["KEY"] = tunnel.key
        cells["CLIENT"] = tunnel.client
        cells["TARGET"] = tunnel.target
        if let flow = flow ?? nil {
            cells["IN/S"] = Amount.bytes(flow.received)
            cells["OUT/S"] = Amount.bytes(flow.sent)
        }
        return cells
    }

    private static func state(_ tunnel: Control.Tunnel) -> String {
        tunnel.protocol == .udp ? "\(tunnel.state.rawValue)/udp" : tunnel.state.rawValue
    }
}
