import WstanBase

/// How much data goes into the next record of a direction (protocol-v2.md section 11): little after a silence, so that a slow link
/// shows first bytes early; then enough that tags and heads cost nothing.
struct RecordSizes: Equatable, Sendable {
    private enum Step {
        static let first = (size: 4 * 1024, upTo: 32 * 1024)
        static let second = (size: 16 * 1024, upTo: 256 * 1024)
        static let full = 32 * 1024
    }
    private static let silence: Duration = .seconds(1)

    /// Since the last silence.
    private var sent = 0
    private var last: Instant?

    /// The most that the next record carries.
    mutating func next(now: Instant) -> Int {
        if let last, now - last >= Self.silence { sent = 0 }
        return sent < Step.first.upTo ? Step.first.size : sent < Step.second.upTo ? Step.second.size : Step.full
    }

    mutating func sent(_ count: Int, now: Instant) {
        last = now
        sent = min(sent + count, Step.second.upTo)
    }
}
