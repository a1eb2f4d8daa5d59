/// What all buffers of a worker's connections may hold together. Confined to its worker.
///
/// Only bytes that the kernel did not take at once, or that wait for something, are held. Reading asks for an allowance
/// first; the tighter the memory, the smaller it is, so that many slow readers share what one must not take for itself.
final class MemoryBudget {
    /// What one reader is always granted, if what it read last has flowed on: else a few stalled connections could stop all
    /// others. Every tunnel sets two of these aside.
    static let smallest = 2048
    static let perTunnel = 2 * smallest

    let limit: Int
    private(set) var held = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// How much may be read now, at most `wanted` and at least `smallest`.
    func allowance(_ wanted: Int) -> Int {
        min(wanted, max(Self.smallest, (limit - held) / 16))
    }

    /// Whether one more tunnel, or one more head of a request, finds room.
    func hasRoom(for count: Int) -> Bool {
        held + count <= limit
    }

    func change(by count: Int) {
        held += count
    }
}
