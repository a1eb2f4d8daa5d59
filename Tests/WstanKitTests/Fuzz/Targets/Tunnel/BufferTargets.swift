import Glibc

@testable import WstanCore

extension FuzzTarget {
    /// Pieces of one buffer, with gaps between them where heads of frames were, come out in their order.
    static let gatheredData = FuzzTarget(
        "gathered-data", seeds: [[3, 1, 2, 3, 1, 5, 4], [0, 1, 255, 255, 255, 2, 2]]
    ) { input in
        var pieces: [(gap: Int, count: Int)] = []
        while !input.isOver {
            pieces.append((input.below(16), input.choice(of: [0, 1, 2, 7, 100, 16_384, 16_385, 20_000])))
        }
        pieces = Array(pieces.prefix(8))
        let size = pieces.reduce(0) { $0 + $1.gap + $1.count }
        var buffer = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        var expected: [UInt8] = []
        var heard: [UInt8] = []
        buffer.withUnsafeMutableBytes { bytes in
            var gathered = CoalescedData()
            var place = 0
            for piece in pieces {
                place += piece.gap
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[place..<(place + piece.count)])
                expected += part
                if let first = gathered.add(part) { heard += first }
                place += piece.count
            }
            if let last = gathered.flush() { heard += last }
            require(gathered.flush() == nil, "taken once")
        }
        require(heard == expected, "every byte in its order")
    }

    /// An outbox against a plain array, with blocks that are used again.
    static let outbox = FuzzTarget(
        "outbox", seeds: [[0, 3, 1, 0, 0, 5, 1, 2, 0, 200], [0, 7, 1, 255, 0, 6, 3, 0, 1, 1, 9]]
    ) { input in
        let pool = BlockPool()
        var outbox = Outbox()
        var model: [UInt8] = []
        var next: UInt8 = 0
        while !input.isOver {
            switch input.below(4) {
            case 0, 1:
                let count = input.choice(of: [0, 1, 100, 2047, 2048, 2049, 16_384, 65_536, 140_000])
                guard model.count + count < 300_000 else { continue }
                next &+= 1
                // Each begins and ends differently, which is what a lost or doubled one would show.
                var bytes = [UInt8](repeating: next, count: count)
                if count > 1 { bytes[0] = ~next }
                bytes.withUnsafeBytes { outbox.append($0, from: pool) }
                model += bytes
            case 2:
                let share = Int(input.byte())
                let count = share == 255 ? model.count : model.count * share / 255
                guard count > 0 else { continue }
                outbox.removeFirst(count, to: pool)
                model.removeFirst(count)
            default:
                guard input.byte() == 7 else { continue }
                outbox.removeAll(to: pool)
                model = []
            }
            require(outbox.count == model.count && outbox.isEmpty == model.isEmpty, "as many bytes as were not taken")
            let isSame = model.withUnsafeBytes { bytes in
                guard let mine = bytes.baseAddress, let its = outbox.bytes.baseAddress else { return bytes.isEmpty }
                return memcmp(mine, its, bytes.count) == 0
            }
            require(isSame, "the same bytes")
            require(
                outbox.capacity >= outbox.count && (!outbox.isEmpty || outbox.capacity == 0), "no memory for nothing")
        }
        outbox.removeAll(to: pool)
    }
}
