/// What all buffers of a worker's connections may hold together. Confined to its worker.
///
/// Only bytes that the kernel did not take at once, or that wait for something, are held. Half of the limit is for
/// them: reading asks for an allowance first, and the tighter the memory, the smaller it is, so that many slow readers
/// share what one must not take for itself. The other half is set aside, a little for each tunnel, so that one whose
/// bytes flow on can always read on: else a few stalled connections would stop all others.
final class MemoryBudget {
    /// What one reader is always granted: with a frame's head it fits into the smallest block.
    static let smallest = BlockPool.smallest - Scratch.headroom
    /// One smallest block for each side of a tunnel.
    static let perTunnel = 2 * BlockPool.smallest

    private let share: Int
    /// Bytes that are held beyond what was set aside.
    private(set) var held = 0
    private var tunnels = 0

    init(limit: Int) {
        share = limit / 2
    }

    /// How much may be read now: at most `wanted`, at least `smallest`.
    func allowance(_ wanted: Int) -> Int {
        min(wanted, max(Self.smallest, (share - held) / 16))
    }

    /// Whether so much more may be held.
    func hasRoom(for count: Int) -> Bool {
        held + count <= share
    }

    func change(by count: Int) {
        held += count
    }

    var hasRoomForTunnel: Bool {
        (tunnels + 1) * Self.perTunnel <= share
    }

    func addTunnel() { tunnels += 1 }
    func removeTunnel() { tunnels -= 1 }
}
