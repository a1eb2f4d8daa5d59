import WstanControl

/// What a server has refused lately, for a person.
enum RefusalTable {
    private static let columns = [
        Table.Column("LAST", .right, rank: 1), .init("FIRST", .right, rank: 4), .init("TIMES", .right, rank: 2),
        .init("ADDRESS", .left, .shortened(least: 39, atLast: 15)), .init("KEY", least: 8, rank: 3),
        .init("CAUSE", .left, .broken(least: 34, atLast: 15)),
    ]

    /// - Parameter now: microseconds since 1970.
    static func lines(_ reply: ListRejects.Reply, now: Int, manner: Manner) -> [String] {
        guard !reply.refusals.isEmpty else {
            let text = "Nothing was refused since \(Amount.moment(reply.sinceTimestampUSec, isUTC: manner.isUTC))."
            return Printable.wrapped(text, to: manner.width ?? .max)
        }
        let rows = reply.refusals.map { refusal in
            [
                Amount.shortTime(from: refusal.lastTimestampUSec, to: now) + " ago",
                Amount.shortTime(from: refusal.firstTimestampUSec, to: now) + " ago", String(refusal.count),
                refusal.address ?? "-", refusal.key ?? "-", refusal.text,
            ]
        }
        return Table(columns, rows, manner: manner).lines
    }
}
