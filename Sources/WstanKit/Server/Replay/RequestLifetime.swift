import WstanBase

/// For how long a request is remembered, and so how old one may be. A longer one holds only for requests that are made after
/// it came: earlier ones were remembered for the shorter one, and nobody knows any more whether they were seen. In seconds
/// since the epoch, a value.
struct RequestLifetime: Equatable, Sendable {
    private(set) var current: Double
    /// What holds for requests up to a time.
    private var earlier: (lifetime: Double, until: Double)?

    /// - Parameter former: of the process before this one, as its `shortest` said; nil: nothing is known of one.
    init(_ current: Double, succeeding former: Double? = nil, now: Double) {
        self.current = current
        if let former, former < current { earlier = (former, now + current) }
    }

    mutating func apply(_ next: Double, now: Double) {
        let shortest = shortest(at: now)
        // A client's clock may be ahead by as much as it could be.
        earlier = shortest < next ? (shortest, now + max(current, next)) : nil
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

    static func == (a: RequestLifetime, b: RequestLifetime) -> Bool {
        a.current == b.current && a.earlier?.lifetime == b.earlier?.lifetime && a.earlier?.until == b.earlier?.until
    }
}
