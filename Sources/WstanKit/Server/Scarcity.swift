import Synchronization
import WstanBase

/// Whether a tunnel has given way lately for want of descriptors, on whichever worker: each worker knows its own tunnels only.
final class Scarcity: Sendable {
    private let lastGiven = Atomic<UInt64>(0)

    /// As long as a connection to a target may take.
    private static let memory: Duration = .seconds(10)

    func gaveWay(now: Instant) { lastGiven.store(now.nanoseconds, ordering: .relaxed) }

    func isFelt(now: Instant) -> Bool {
        let last = lastGiven.load(ordering: .relaxed)
        return last > 0 && now < Instant(nanoseconds: last) + Self.memory
    }
}
