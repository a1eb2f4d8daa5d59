/// What all buffers of a worker's connections may hold together. Confined to its worker.
///
/// Half of the limit is for bytes that the kernel did not take at once, or that wait for something: reading asks for an
/// allowance first, and the tighter the memory, the smaller it is, so that many slow readers share what one must not take
/// for itself. A quarter is set aside, a little for each tunnel, so that one whose bytes flow on can always read on: else a
/// few stalled connections would stop all others. A quarter is for heads of requests that are not complete, which anybody
/// can send: they must not take from the tunnels.
///
/// Of the first half, half is for bytes that are stuck: what has come of messages that are not complete, and what waits for
/// targets that have not answered. A tunnel can leave them there for as long as it likes.
package final class MemoryBudget {
    /// What one reader is always granted: with a frame's head it fits into the smallest block.
    static let smallest = BlockPool.smallest - Scratch.headroom
    /// One smallest block for each side of a tunnel.
    static let perTunnel = 2 * BlockPool.smallest

    /// Called when the heads hold more than their share: a connection must be closed.
    var whenHeadsOverflow: (() -> Void)?

    /// Called when more bytes are stuck than may be: a tunnel must give way.
    var whenStuckOverflow: (() -> Void)?

    /// In bytes. What is held above a lower one stays until it is gone; less is read meanwhile.
    package var limit: Int
    /// Bytes that are held beyond what was set aside.
    private(set) var held = 0
    private(set) var heads = 0
    /// Of those that are held.
    private(set) var stuck = 0
    private var tunnels = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// How much may be read now: at most `wanted`, at least `smallest`.
    func allowance(_ wanted: Int) -> Int {
        min(wanted, max(Self.smallest, (limit / 2 - held) / 16))
    }

    func change(by count: Int) {
        held += count
    }

    func changeHeads(by count: Int) {
        heads += count
        if count > 0, headsOverflow { whenHeadsOverflow?() }
    }

    func changeStuck(by count: Int) {
        stuck += count
        if count > 0, stuckOverflow { whenStuckOverflow?() }
    }

    var stuckOverflow: Bool { stuck > stuckShare }

    /// A few messages must have room to become complete, however small the limit.
    private var stuckShare: Int { max(limit / 4, BlockPool.largest) }

    /// How much one tunnel may hold for a target that has not answered: the less, the more is stuck already.
    var stuckAllowance: Int { max(Self.smallest, (stuckShare - stuck) / 16) }

    var headsOverflow: Bool { heads > limit / 4 }

    var hasRoomForTunnel: Bool {
        (tunnels + 1) * Self.perTunnel <= limit / 4
    }

    func addTunnel() { tunnels += 1 }
    func removeTunnel() { tunnels -= 1 }
}
