/// What a hostile peer, or a broken one, makes of valid bytes.
enum Mutation {
    /// One to three changes: bits, bytes that decoders look at, lengths, order.
    static func of(_ bytes: [UInt8], _ random: inout SeededRandomness) -> [UInt8] {
        var result = bytes
        for _ in 0...random.below(3) { change(&result, &random) }
        return result
    }

    private static let telling: [UInt8] = [0, 1, 2, 3, 4, 10, 13, 32, 58, 0x7d, 0x7e, 0x7f, 0x80, 0xfe, 0xff]

    private static func change(_ bytes: inout [UInt8], _ random: inout SeededRandomness) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(truncatingIfNeeded: random.next())) }
        let place = random.below(bytes.count)
        switch random.below(6) {
        case 0:
            bytes[place] ^= 1 << random.below(8)
        case 1:
            bytes[place] = telling[random.below(telling.count)]
        case 2:
            bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(4)))
        case 3:
            bytes.insert(contentsOf: random.bytes(1 + random.below(4)), at: place)
        case 4:
            bytes.removeSubrange(place...)
        default:
            bytes.swapAt(place, random.below(bytes.count))
        }
    }
}
