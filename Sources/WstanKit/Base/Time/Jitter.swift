/// Spreads pauses, so that what was cut off at one moment does not come back at one moment: each becomes any time between
/// none and its whole length ("full jitter"), by numbers that follow from a seed. Clients that fail together would otherwise
/// come together again, pause after pause.
package struct Jitter: Sendable {
    private var state: UInt64?

    /// Leaves pauses as they are.
    package static let none = Jitter(state: nil)

    package init(seed: UInt64) {
        self.init(state: seed)
    }

    private init(state: UInt64?) {
        self.state = state
    }

    package mutating func spread(_ pause: Duration) -> Duration {
        guard let seed = state else { return pause }
        let next = seed &+ 0x9e37_79b9_7f4a_7c15
        state = next
        // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
        var bits = next
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        bits ^= bits >> 31
        return .nanoseconds(Int64(clamping: pause.wholeNanoseconds.multipliedFullWidth(by: bits).high))
    }
}
