/// Work of several peers for a number of slots, dealt out in turn. A peer may occupy at most half of the slots that the
/// others leave free, so a flood of one peer's names that nobody answers stalls nobody else: the next peer finds half
/// of the rest, and so on.
struct FairQueue<Work> {
    let slots: Int
    private var peers: [AnyHashable: Peer] = [:]
    /// Peers with waiting work, the next one first.
    private var order: [AnyHashable] = []
    private var running = 0

    private struct Peer {
        var running = 0
        var waiting: [Work] = []
    }

    /// More of one peer's work than this does not wait; it is refused.
    static var maxWaiting: Int { 256 }

    init(slots: Int) {
        self.slots = slots
    }

    /// - Returns: false when too much of the peer's work is waiting.
    mutating func add(_ work: Work, for peer: AnyHashable) -> Bool {
        var entry = peers[peer] ?? Peer()
        guard entry.waiting.count < Self.maxWaiting else { return false }
        if entry.waiting.isEmpty { order.append(peer) }
        entry.waiting.append(work)
        peers[peer] = entry
        return true
    }

    var hasRunnable: Bool { order.contains { mayRun($0) } }

    /// Takes the next work that may run now; `finished` must be called when it is done.
    mutating func next() -> (work: Work, peer: AnyHashable)? {
        guard let index = order.firstIndex(where: { mayRun($0) }) else { return nil }
        let peer = order.remove(at: index)
        guard var entry = peers[peer], !entry.waiting.isEmpty else { return nil }
        let work = entry.waiting.removeFirst()
        entry.running += 1
        running += 1
        if !entry.waiting.isEmpty { order.append(peer) }
        peers[peer] = entry
        return (work, peer)
    }

    mutating func finished(for peer: AnyHashable) {
        guard var entry = peers[peer] else { return }
        entry.running -= 1
        running -= 1
        peers[peer] = entry.running == 0 && entry.waiting.isEmpty ? nil : entry
    }

    private func mayRun(_ peer: AnyHashable) -> Bool {
        let own = peers[peer]?.running ?? 0
        let free = slots - running
        // One slot is enough to begin with, as long as there is one.
        return free > 0 && (own == 0 || own < free)
    }
}
