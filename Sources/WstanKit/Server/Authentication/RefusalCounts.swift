/// How many requests, targets and datagrams a server has refused, by cause.
package struct RefusalCounts: Equatable, Sendable {
    package enum Counter: Int, CaseIterable, Sendable {
        /// Seen before.
        case replay
        /// Its time is too far from ours.
        case expired
        /// Its tag fits no key.
        case badAuthentication
        /// The key is right and the rest is not. What is no request at all, as from a browser or a scanner, does not count.
        case malformed
        /// The rules forbid the target.
        case forbiddenTarget
        /// By a limit on tunnels, handshakes, memory or remembered requests.
        case overLimit
        /// For want of room.
        case droppedDatagrams
        /// The server is about to end, or was told to take nothing on.
        case draining
    }

    package init() {}

    /// By the counters' raw values.
    private var counts = [Int](repeating: 0, count: Counter.allCases.count)

    package subscript(counter: Counter) -> Int { counts[counter.rawValue] }

    mutating func increment(_ counter: Counter) {
        counts[counter.rawValue] += 1
    }

    mutating func count(_ refusal: Refusal) {
        if let counter = refusal.traits.counter { increment(counter) }
    }

    package static func + (a: RefusalCounts, b: RefusalCounts) -> RefusalCounts {
        var sum = a
        for counter in Counter.allCases { sum.counts[counter.rawValue] += b[counter] }
        return sum
    }
}
