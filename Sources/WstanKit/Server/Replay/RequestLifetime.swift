import WstanBase

/// For how long a request is remembered, and so how old one may be. A longer one holds only for requests that are made after
/// it came: earlier ones were remembered for the shorter one, and whether they were seen is not known. After a shorter
/// one came, times are still to come of requests that were accepted under the longer one. In seconds since the epoch, a value.
struct RequestLifetime: Sendable {
    private(set) var current: Double
    /// What holds for requests up to a time.
    private var earlier: (lifetime: Double, until: Double)?
    /// Under which requests were accepted whose times come up to then.
    private var longer: (lifetime: Double, until: Double)?

    /// - Parameters:
    ///   - former: of the process before this one, as its `shortest` said; nil: nothing is known of one.
    ///   - longest: as its `longest` said.
    init(_ current: Double, succeeding former: Double? = nil, longest: Double? = nil, now: Double) {
        self.current = current
        if let former, former < current { earlier = (former, now + current) }
        if let longest, longest > current { longer = (longest, now + longest) }
    }

    mutating func apply(_ next: Double, now: Double) {
        let (shortest, longest) = (shortest(at: now), longest(at: now))
        // A client's clock may be ahead by as much as it could be.
        earlier = shortest < next ? (shortest, now + max(current, next)) : nil
        longer = longest > next ? (longest, max(now + current, longer?.until ?? 0)) : nil
        current = next
    }

    func of(requestAt time: Double) -> Double {
        guard let earlier, time <= earlier.until else { return current }
        return min(earlier.lifetime, current)
    }

    /// What a process that comes after this one has to go by.
    func shortest(at now: Double) -> Double {
        guard let earlier, now - current <= earlier.until else { return current }
        return min(earlier.lifetime, current)
    }

    /// By how much a request that was accepted may have been ahead: by as much its time may be still to come, under a clock that is
    /// right. What a process that comes after this one has to go by, too.
    func longest(at now: Double) -> Double {
        guard let longer, now <= longer.until else { return current }
        return max(longer.lifetime, current)
    }
}
