import WstanBase

/// The keys of one kind that one name has: the current one, and former ones for a time of grace. A value.
package struct KeySeries<Value: RingSecret>: Sendable, Equatable {
    /// Nil once it was retired while former ones still last.
    package internal(set) var current: RingKey<Value>?
    /// The one that lasts longest comes first.
    package internal(set) var previous: [RingKey<Value>]

    init(current: RingKey<Value>? = nil, previous: [RingKey<Value>] = []) {
        self.current = current
        self.previous = previous
    }

    package var keys: [RingKey<Value>] { (current.map { [$0] } ?? []) + previous }
    package var isEmpty: Bool { current == nil && previous.isEmpty }
    package var count: Int { (current == nil ? 0 : 1) + previous.count }
    var ids: [KeyID] { keys.map(\.id) }

    func contains(_ id: KeyID) -> Bool { current?.id == id || previous.contains { $0.id == id } }

    /// Whether one of them counts.
    package func isLive(at now: CalendarTime) -> Bool {
        current != nil || previous.contains { $0.expiry.map { $0 > now } ?? false }
    }

    /// A current key lasts, and a former one ends.
    var isSound: Bool { current?.expiry == nil && previous.allSatisfy { $0.expiry != nil } }

    /// Makes another key the current one. One of the former keys may come back.
    ///
    /// - Parameter grace: how long the one that was current is still accepted; zero: not at all, and neither are those
    ///   whose grace from before still runs.
    mutating func rotate(to next: RingKey<Value>, grace: Duration, now: CalendarTime) {
        previous.removeAll { $0.id == next.id }
        if grace <= .zero {
            previous = []
        } else if let former = current {
            previous.append(former.expiring(at: now + min(grace, KeyRingBounds.grace)))
            previous.sort { ($0.expiry?.microseconds ?? 0) > ($1.expiry?.microseconds ?? 0) }
        }
        current = next
    }

    mutating func remove(_ id: KeyID) {
        if current?.id == id { current = nil }
        previous.removeAll { $0.id == id }
    }

    /// Drops the former keys that had expired by then.
    mutating func expire(by time: CalendarTime) {
        previous.removeAll { $0.expiry.map { $0 <= time } ?? false }
    }

    /// It stands in the configuration now.
    mutating func move(to source: RingSource) {
        current = current?.coming(from: source)
    }
}
