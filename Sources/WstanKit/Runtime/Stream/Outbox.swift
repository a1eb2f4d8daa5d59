/// Bytes that the kernel has not taken yet, in order. Empty as a rule, and then without memory.
struct Outbox {
    private var block: UnsafeMutableRawBufferPointer?
    private var start = 0
    private var end = 0

    var count: Int { end - start }
    var isEmpty: Bool { start == end }
    /// The memory that it takes, which is what counts.
    var capacity: Int { block?.count ?? 0 }

    /// What to send next.
    var bytes: UnsafeRawBufferPointer {
        guard let block else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: block[start..<end])
    }

    mutating func append(_ more: UnsafeRawBufferPointer, from pool: BlockPool) {
        guard !more.isEmpty else { return }
        if let block, block.count - end >= more.count {
            UnsafeMutableRawBufferPointer(rebasing: block[end...]).copyMemory(from: more)
            end += more.count
            return
        }
        let count = count
        let larger = pool.allocate(count + more.count)
        larger.copyMemory(from: bytes)
        UnsafeMutableRawBufferPointer(rebasing: larger[count...]).copyMemory(from: more)
        if let block { pool.give(block) }
        block = larger
        start = 0
        end = count + more.count
    }

    mutating func removeFirst(_ count: Int, to pool: BlockPool) {
        start += count
        if start == end {
            removeAll(to: pool)
        } else if let block, self.count <= block.count / 4, block.count > BlockPool.smallest {
            // A reader that leaves a little must not keep a large block.
            let smaller = pool.allocate(self.count)
            smaller.copyMemory(from: bytes)
            pool.give(block)
            self.block = smaller
            end -= start
            start = 0
        }
    }

    mutating func removeAll(to pool: BlockPool) {
        if let block { pool.give(block) }
        block = nil
        start = 0
        end = 0
    }
}
