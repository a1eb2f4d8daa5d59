import WstanControl

/// Keys for a person.
enum KeyTable {
    /// All but the name and the id.
    static func line(_ key: Control.Key, now: Int) -> String {
        state(key, now: now) + "; " + use(key, now: now)
    }

    private static func state(_ key: Control.Key, now: Int) -> String {
        if let refusal = refusal(key) { return refusal }
        return switch key.state {
        case .current: "current"
        case .previous: key.retireTimestampUSec.map { "previous, ends in \(Amount.time(from: now, to: $0))" } ?? "previous"
        }
    }

    private static func refusal(_ key: Control.Key) -> String? { key.refusedBy.map { "refused: " + Printable.text($0) } }

    private static func use(_ key: Control.Key, now: Int) -> String {
        guard key.uses > 0 else { return "not used" }
        let times = key.uses == 1 ? "used once" : "used \(key.uses) times"
        return key.lastUseTimestampUSec.map { times + ", last \(Amount.time(from: $0, to: now)) ago" } ?? times
    }

    /// The table, and what could be done now.
    static func table(_ keys: [Control.Key], now: Int, manner: Manner) -> [String] {
        let columns = [
            Table.Column("NAME", least: 8), .init("KIND", rank: 1), .init("ID"), .init("STATE", rank: 2),
            .init("FROM", least: 6, rank: 6), .init("MADE", .right, rank: 7), .init("ENDS IN", .right, rank: 4),
            .init("USES", .right, rank: 5), .init("LAST USED", .right, rank: 3),
        ]
        let rows = keys.map { key in
            [
                key.name, kind(key), key.id, refusal(key) ?? key.state.rawValue, key.source.rawValue,
                key.createdTimestampUSec.map { Amount.shortTime(from: $0, to: now) + " ago" } ?? "-",
                key.retireTimestampUSec.map { Amount.time(from: now, to: $0) } ?? "-",
                // Not counted: each use is of a user's key.
                key.kind == .server ? "-" : String(key.uses),
                key.lastUseTimestampUSec.map { Amount.time(from: $0, to: now) + " ago" } ?? "-",
            ]
        }
        return Table(columns, rows, manner: manner).lines + retirable(keys, now: now).map { "\n" + $0 }
            + ServerKeyText.users(among: keys, now: now)
    }

    /// `v1` for a daemon of 0.1.0, which has no others.
    static func kind(_ key: Control.Key) -> String { (key.kind ?? .v1).rawValue }

    /// A previous key is no longer needed when its successor is in use and it has been silent for longer than most pools
    /// keep a tunnel.
    private static func retirable(_ keys: [Control.Key], now: Int) -> [String] {
        let used = Set(keys.filter { $0.state == .current && $0.uses > 0 }.map(Whose.init))
        return keys.filter { key in
            guard key.state == .previous, used.contains(Whose(key)) else { return false }
            return key.lastUseTimestampUSec.map { Amount.difference(now, $0) > silence } ?? true
        }.map { key in
            let silent = key.lastUseTimestampUSec.map { "for \(Amount.time(from: $0, to: now))" } ?? "since the start"
            return "\(Printable.text(key.name)) has not used \(Printable.text(key.id)) \(silent). To stop accepting it: "
                + "wstanctl retire-key \(Printable.text(key.id))"
        }
    }

    /// Whose keys of one kind follow each other.
    private struct Whose: Hashable {
        let name: String
        let kind: String

        init(_ key: Control.Key) {
            (name, kind) = (key.name, KeyTable.kind(key))
        }
    }

    private static let silence = 3_600_000_000

    static func retired(_ id: String, closed: Int?) -> String {
        var text = "Key \(Printable.text(id)) is no longer accepted."
        if let closed { text += " \(Amount.count(closed, "tunnel")) \(closed == 1 ? "was" : "were") closed." }
        return text
    }
}
