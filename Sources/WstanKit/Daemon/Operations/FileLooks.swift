import WstanBase

/// What looks at the files of a configuration have found since they were read, as a value. A look takes a while: what is found of an
/// earlier reading is of no use.
struct FileLooks {
    /// Files are looked at once within this, however often it is asked for.
    static let interval: Duration = .seconds(1)

    private var reading = 0
    private var found = false
    private var lookedAt: Instant?
    private var isLooking = false

    /// - Parameter reading: counts how often they were read.
    /// - Returns: whether to look now.
    mutating func begin(_ reading: Int, now: Instant) -> Bool {
        if reading != self.reading {
            self = FileLooks()
            self.reading = reading
        }
        guard !isLooking, lookedAt.map({ now - $0 >= Self.interval }) ?? true else { return false }
        isLooking = true
        return true
    }

    /// - Parameters:
    ///   - reading: that of `begin`.
    ///   - found: whether they have changed since; nil when that is not known.
    mutating func end(_ reading: Int, found: Bool?, now: Instant) {
        guard reading == self.reading else { return }
        isLooking = false
        lookedAt = now
        if let found { self.found = found }
    }

    func haveChanged(since reading: Int) -> Bool { found && reading == self.reading }
}
