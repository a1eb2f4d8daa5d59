/// How many bytes of padding hide the size of what is said (protocol-v2.md section 9). Randomness is an argument.
enum Padding {
    /// P1: with a request its size is hidden a little; without one the padding is all there is.
    static func p1(hasRequest: Bool, random: UInt32) -> Int {
        hasRequest ? pick(0...255, random) : pick(64...319, random)
    }

    static func p2(random: UInt32) -> Int { pick(0...511, random) }

    /// Of a record, by the type of its message: sizes would tell where connections begin and end. Nil: none.
    static func record(_ type: MessageType, random: UInt32) -> Int? {
        switch type {
        case .request, .ok, .reset, .fin, .bye, .need: pick(0...255, random)
        case .nop, .data, .ping, .pong, .rekey, .ack, .dataAt, .dgram, .packet, .ignorable: nil
        }
    }

    static func pick(_ range: ClosedRange<Int>, _ random: UInt32) -> Int {
        range.lowerBound + Int((UInt64(random) * UInt64(range.count)) >> 32)
    }
}

/// The padding of the records of one direction: the first ones after the server's SHAPE, the others by their type.
struct RecordPadding: Sendable {
    private let ranges: [ClosedRange<Int>]
    private var next = 0

    init(_ shape: TrafficShape? = nil) {
        ranges = shape?.ranges ?? []
    }

    /// Whether sizes are given still: until then DATA is padded as well.
    var isShaping: Bool { next < ranges.count }

    /// - Parameters:
    ///   - size: of the plaintext without padding.
    ///   - limit: the longest plaintext that the peer takes.
    /// - Returns: bytes of padding, before which their length stands in two more; nil: neither.
    mutating func next(_ type: MessageType, size: Int, limit: Int = LimitsV2.plaintext, random: UInt32) -> Int? {
        if isShaping {
            let wanted = Padding.pick(ranges[next], random)
            next += 1
            if size + 2 <= wanted { return wanted - size - 2 }
        }
        guard let padding = Padding.record(type, random: random), size + 2 <= limit else { return nil }
        return min(padding, limit - size - 2)
    }
}
