import WstanControl

/// Tunnels as a table that fits a terminal: what has no room is cut at the right.
struct TunnelTable {
    private(set) var lines: [String] = []

    private static let titles = ["ID", "STATE", "AGE", "IN", "OUT", "PEER", "CLIENT", "KEY", "TARGET"]

    /// - Parameter now: microseconds since 1970.
    init(_ tunnels: [Control.Tunnel], now: Int, width: Int) {
        let rows = [Self.titles] + tunnels.map { Self.cells($0, now: now) }
        let widths = Self.titles.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        lines = rows.map { row in
            let line = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }.joined(separator: "  ")
            return Self.cut(line, to: width)
        }
    }

    /// One line of what has become of a tunnel.
    static func change(_ tunnel: Control.Tunnel, _ event: Control.TunnelEvent, now: Int, width: Int) -> String {
        cut(([event.rawValue] + cells(tunnel, now: now)).joined(separator: "  "), to: width)
    }

    private static func cells(_ tunnel: Control.Tunnel, now: Int) -> [String] {
        [
            String(tunnel.id), tunnel.protocol == .udp ? "\(tunnel.state.rawValue)/udp" : tunnel.state.rawValue,
            Amount.time(microseconds: now - tunnel.startTimestampUSec), Amount.bytes(tunnel.bytesReceived),
            Amount.bytes(tunnel.bytesSent), tunnel.peer, tunnel.client ?? "-", tunnel.key ?? "-", tunnel.target ?? "-",
        ].map(printable)
    }

    /// A target's name comes from whoever asked for it.
    private static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || (127..<160).contains($0.value) ? "?" : $0 }))
    }

    private static func cut(_ line: String, to width: Int) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line.count > width ? String(line.prefix(max(0, width - 1))) + "…" : line
    }
}
