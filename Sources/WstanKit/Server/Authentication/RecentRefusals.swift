import Synchronization
import WstanBase

/// What a server has refused lately, by source, reason and key. A value; bounded: when it is full, the entry that was silent for
/// longest makes way.
struct RefusalTable {
    static let capacity = 256

    private struct Cause: Hashable {
        let source: String?
        let reason: String
        let key: KeyID?
    }

    private var byCause: [Cause: RecentRefusals.Entry] = [:]

    mutating func add(_ refusal: RecentRefusals.Entry) {
        let cause = Cause(source: refusal.source, reason: refusal.reason, key: refusal.key)
        if let former = byCause[cause] {
            byCause[cause] = former.followed(by: refusal)
            return
        }
        if byCause.count >= Self.capacity, let oldest = byCause.min(by: { $0.value.last < $1.value.last }) {
            byCause[oldest.key] = nil
        }
        byCause[cause] = refusal
    }

    /// The newest come first.
    var entries: [RecentRefusals.Entry] { byCause.values.sorted { ($0.last, $0.count) > ($1.last, $1.count) } }
}

/// The refusals of all workers of a server, for an administrator who asks.
///
/// What every server on the internet gets, and what is no request, is kept apart, so that it takes no refusal's place.
package final class RecentRefusals: Sendable {
    /// What one source was refused for one reason.
    package struct Entry: Sendable, Equatable {
        /// An address, or an IPv6 network as `ClientAddress.Source` has it; nil: not known.
        package let source: String?
        /// Its code, as in the log.
        package let reason: String
        /// What the last one was refused for, in words.
        package let text: String
        /// Whose request it was, where that is known.
        package let key: KeyID?
        package private(set) var count = 1
        package private(set) var first: CalendarTime
        package let last: CalendarTime

        init(source: String?, reason: String, text: String, key: KeyID? = nil, at time: CalendarTime) {
            self.source = source
            self.reason = reason
            self.text = text
            self.key = key
            first = time
            last = time
        }

        fileprivate func followed(by next: Entry) -> Entry {
            var both = next
            both.count = count + 1
            both.first = first
            return both
        }
    }

    private struct Tables {
        var refusals = RefusalTable()
        var noise = RefusalTable()
    }

    package let since = CalendarTime(seconds: WallClock.now())
    private let tables = Mutex(Tables())

    /// - Parameter isNoise: it is not counted as a refusal.
    func add(_ entry: Entry, isNoise: Bool = false) {
        tables.withLock { tables in
            if isNoise { tables.noise.add(entry) } else { tables.refusals.add(entry) }
        }
    }

    /// The newest come first.
    ///
    /// - Parameter withNoise: also what is no request.
    package func list(withNoise: Bool = false) -> [Entry] {
        let (refusals, noise) = tables.withLock { ($0.refusals.entries, $0.noise.entries) }
        return withNoise ? (refusals + noise).sorted { $0.last > $1.last } : refusals
    }
}
