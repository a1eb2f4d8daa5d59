/// Memory for bytes that have to wait, used again: fresh pages for every wait cost 0.5 s per GB in page faults.
/// Confined to its worker.
final class BlockPool {
    /// A few sizes, so that a small rest does not take a large block; one for a whole read and its frame's head.
    private static let sizes = [smallest, 16 * 1024, 64 * 1024, 132 * 1024, largest]
    static let smallest = 2 * 1024
    static let largest = Scratch.bodySize + 4 * 1024
    private static let keptBytes = 1024 * 1024

    private var free: [[UnsafeMutableRawBufferPointer]] = Array(repeating: [], count: sizes.count)
    private var kept = 0

    deinit {
        for block in free.joined() { block.deallocate() }
    }

    /// A block of at least `count` bytes.
    func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
        guard let size = Self.sizes.firstIndex(where: { $0 >= count }) else {
            return .allocate(byteCount: count, alignment: 64)
        }
        if let block = free[size].popLast() {
            kept -= block.count
            return block
        }
        return .allocate(byteCount: Self.sizes[size], alignment: 64)
    }

    func give(_ block: UnsafeMutableRawBufferPointer) {
        if let size = Self.sizes.firstIndex(of: block.count), kept + block.count <= Self.keptBytes {
            free[size].append(block)
            kept += block.count
        } else {
            block.deallocate()
        }
    }
}
