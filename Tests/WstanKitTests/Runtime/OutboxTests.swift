import Testing

@testable import WstanCore

@Suite struct OutboxTests {
    @Test func `what goes in comes out in order, whatever the pieces`() {
        var random = SeededRandomness(seed: 36)
        let pool = BlockPool()
        var outbox = Outbox()
        var model: [UInt8] = []
        for _ in 0..<2000 {
            if random.below(2) == 0 {
                let size = random.below(8) == 0 ? random.below(20_000) : random.below(500)
                let more = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: size)
                more.withUnsafeBytes { outbox.append($0, from: pool) }
                model += more
            } else if !model.isEmpty {
                let count = random.below(3) == 0 ? model.count : 1 + random.below(model.count)
                outbox.removeFirst(count, to: pool)
                model.removeFirst(count)
            }
            #expect(outbox.count == model.count)
            #expect(outbox.isEmpty == model.isEmpty)
            #expect(outbox.bytes.elementsEqual(model))
        }
        outbox.removeAll(to: pool)
        #expect(outbox.isEmpty)
        #expect(outbox.bytes.isEmpty)
    }

    @Test func `appending nothing and removing nothing changes nothing`() {
        let pool = BlockPool()
        var outbox = Outbox()
        outbox.append(UnsafeRawBufferPointer(start: nil, count: 0), from: pool)
        outbox.removeAll(to: pool)
        #expect(outbox.bytes.isEmpty)
        [1, 2, 3].withUnsafeBytes { outbox.append($0, from: pool) }
        outbox.removeFirst(0, to: pool)
        #expect(outbox.bytes.elementsEqual([1, 2, 3].withUnsafeBytes { Array($0) }))
        outbox.removeAll(to: pool)
    }
}

@Suite struct BlockPoolTests {
    @Test func `a block has at least the size asked for and is used again`() {
        let pool = BlockPool()
        for count in [0, 1, 4096, 4097, 16_384, 65_536, 65_537, 262_144, 262_145, 1_000_000] {
            let block = pool.allocate(count)
            #expect(block.count >= count)
            let address = block.baseAddress
            pool.give(block)
            guard count <= 262_144 else { continue }
            let again = pool.allocate(count)
            #expect(again.baseAddress == address)
            pool.give(again)
        }
    }

    @Test func `blocks that are out at the same time do not overlap`() {
        let pool = BlockPool()
        var random = SeededRandomness(seed: 37)
        var out: [(block: UnsafeMutableRawBufferPointer, mark: UInt8)] = []
        for round in 0..<2000 {
            if random.below(2) == 0, out.count < 40 {
                let block = pool.allocate(1 + random.below(70_000))
                let mark = UInt8(truncatingIfNeeded: round)
                block[0] = mark
                block[block.count - 1] = mark
                out.append((block, mark))
            } else if !out.isEmpty {
                let (block, mark) = out.remove(at: random.below(out.count))
                #expect(block[0] == mark && block[block.count - 1] == mark)
                pool.give(block)
            }
        }
        for (block, _) in out { pool.give(block) }
    }
}
