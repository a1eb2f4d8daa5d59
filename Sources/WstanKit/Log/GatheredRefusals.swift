import WstanBase

/// Has the first refusal of a source and reason logged, and counts those that follow within a minute.
///
/// Bounded: beyond `maxSources` sources in a minute, all others are taken for one.
struct GatheredRefusals {
    /// What was counted in a minute.
    struct Line: Equatable {
        /// Nil stands for all others.
        let source: String?
        /// By reason code; none is zero.
        let counts: [String: Int]
    }

    static let window: Duration = .seconds(60)
    static let maxSources = 128

    enum Action: Equatable {
        case log
        /// It is in a line that is due at the given time.
        case counted(until: Instant)
    }

    private struct Minute {
        let end: Instant
        /// Zero: logged, and not repeated.
        var counts: [String: Int]
    }

    private var minutes: [String?: Minute] = [:]
    private var earliestEnd: Instant?

    mutating func refused(_ reason: String, of source: String, now: Instant) -> Action {
        let isKnown = minutes[source] != nil || minutes.count < Self.maxSources
        let key = isKnown ? source : nil
        var minute = minutes[key] ?? Minute(end: now + Self.window, counts: [:])
        defer { minutes[key] = minute }
        earliestEnd = min(earliestEnd ?? minute.end, minute.end)
        guard let count = minute.counts[reason] else {
            minute.counts[reason] = 0
            return .log
        }
        minute.counts[reason] = count + 1
        return .counted(until: minute.end)
    }

    /// Removes the minutes that are over.
    ///
    /// - Parameter now: nil removes all, also those that could count more.
    mutating func removeLines(now: Instant?) -> [Line] {
        if let now, earliestEnd.map({ now < $0 }) ?? true { return [] }
        let over = minutes.filter { $0.value.end <= now ?? $0.value.end }
        for source in over.keys { minutes[source] = nil }
        earliestEnd = minutes.values.map(\.end).min()
        return over.sorted { $0.value.end < $1.value.end }.compactMap { source, minute in
            let counts = minute.counts.filter { $0.value > 0 }
            return counts.isEmpty ? nil : Line(source: source, counts: counts)
        }
    }

    /// When there is next something to log.
    var nextEnd: Instant? {
        minutes.values.filter { $0.counts.values.contains { $0 > 0 } }.map(\.end).min()
    }
}
