import WstanControl

/// A client's pool in one line.
enum PoolText {
    typealias Bar = (idle: String, opening: String, empty: String)

    static func line(_ pool: Control.Pool, _ manner: Manner) -> (bar: Bar, text: String) {
        var text = "\(pool.idle) of \(pool.size) idle"
        if pool.opening > 0 { text += ", \(pool.opening) opening" }
        if let share = share(pool) { text += "; \(share) hits" }
        if let roundTrip = pool.rttUSec { text += "; \(Amount.roundTrip(microseconds: roundTrip)) TCP RTT" }
        return (bar(pool, manner), text)
    }

    static func lines(_ pool: Control.Pool, _ mode: Control.Mode, _ manner: Manner) -> [String] {
        guard mode == .client else { return [Amount.count(pool.idle, "tunnel") + " that clients keep open"] }
        let bar = bar(pool, manner)
        return [
            "\(manner.good(bar.idle))\(manner.doubtful(bar.opening))\(manner.faint(bar.empty)) \(pool.idle) of \(pool.size)",
            "  idle        \(pool.idle)",
            "  opening     \(pool.opening)",
            "  size        \(pool.size)",
            "  hits        \(pool.hits)" + (share(pool).map { " (\($0))" } ?? ""),
            "  misses      \(pool.misses)",
            "  round trip  " + (pool.rttUSec.map { Amount.roundTrip(microseconds: $0) + " (TCP)" } ?? "not known yet"),
        ]
    }

    /// How many were served from it; nil before the first.
    static func share(_ pool: Control.Pool) -> String? {
        let total = Double(pool.hits) + Double(pool.misses)
        guard pool.hits >= 0, pool.misses >= 0, total > 0 else { return nil }
        // Rounded down: 100% is all of them.
        return "\(Int(Double(pool.hits) / total * 100))%"
    }

    private static func bar(_ pool: Control.Pool, _ manner: Manner) -> Bar {
        let width = 16
        let whole = Double(max(pool.size, pool.idle, 1))
        // What there is shows, however little it is.
        func cells(_ count: Int, atMost room: Int) -> Int {
            count <= 0 ? 0 : min(room, max(1, Int(min(Double(count) / whole, 1) * Double(width))))
        }
        let idle = cells(pool.idle, atMost: width)
        let opening = cells(pool.opening, atMost: width - idle)
        let marks = manner.hasSymbols ? ("█", "▒", "·") : ("#", "+", ".")
        return (
            String(repeating: marks.0, count: idle), String(repeating: marks.1, count: opening),
            String(repeating: marks.2, count: width - idle - opening)
        )
    }
}
