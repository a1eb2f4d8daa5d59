/// What all buffers of a worker's connections may hold together. Confined to its worker.
///
/// Only bytes that the kernel did not take at once, or that wait for something, are held. Reading asks for an allowance
/// first; the tighter the memory, the smaller it is, so that many slow readers share what one must not take for itself.
final class MemoryBudget {
    let limit: Int
    private(set) var held = 0
    private var waiting: [UnsafeContinuation<Void, Never>] = []

    /// The least that is worth a read.
    private static let smallest = 2048

    init(limit: Int) {
        self.limit = limit
    }

    /// How much may be read now, at most `wanted`; nil when nothing is left.
    func allowance(_ wanted: Int) -> Int? {
        let left = limit - held
        guard left >= Self.smallest else { return nil }
        return min(wanted, max(Self.smallest, left / 16))
    }

    func hold(_ count: Int) {
        held += count
    }

    func release(_ count: Int) {
        guard count > 0 else { return }
        held -= count
        guard !waiting.isEmpty, limit - held >= Self.smallest else { return }
        // All of them: each asks again, in this order, and those who find nothing wait again behind the others.
        let woken = waiting
        waiting = []
        for continuation in woken { continuation.resume() }
    }

    /// Waits until something has been released.
    func room() async {
        await withUnsafeContinuation { waiting.append($0) }
    }
}
