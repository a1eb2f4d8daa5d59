import WstanBase

/// How seen requests are written down: a page of 4096 bytes that begins with the head, then pages of 102 slots of 40 bytes, all
/// integers in network order.
///
///     head   "wstnseen", version (4), bytes of a slot (4), count of slots (8), gap (8), lifetime (8), longest (8),
///            count of spans (8), 16 spans (first unit, last unit: 16 each), check (8)
///     slot   key's ID (8), token (16), time as a double (8), check (8)
///
/// The gap says until when requests may have been accepted that are not here, since the journal was begun after them; in
/// seconds since the epoch (4), and the same with every bit turned (4). The lifetime says in the same way for how many
/// seconds requests were remembered; zeros: not known yet. The longest says so for requests whose time may be still to
/// come. The spans are those of `ForgottenSpans`.
///
/// A slot is written at once and lies within a page, so a process that is killed leaves it as it was or as it is to be. The check
/// covers the slot's number too: bytes that have moved do not fit. A line of a retired key has a check of its own kind, and a
/// span in the token's place. The checks find accidents; they are no defence against somebody who may write the file.
package enum ReplayJournalFormat {
    static let pageSize = 4096
    static let headSize = 56 + 16 * ForgottenSpans.capacity + 8
    static let slotSize = 40
    static let slotsOfPage = pageSize / slotSize
    static let version: UInt32 = 4

    /// What the head tells beside the slots.
    struct Head: Equatable {
        /// Seconds since the epoch; 0: nothing is missing; infinite: not known.
        var gap = Double.infinity
        var lifetime: Double?
        var longest: Double?
        var forgotten = ForgottenSpans()
    }

    enum Reading: Equatable {
        case good(Head)
        /// As 0.1.0 has written it; see `ReplayJournalFormatV1`.
        case former(Head)
        /// Nothing was written yet: whoever made the file has not come further.
        case unfinished
        case ofOtherVersion(UInt32)
        /// Of as many slots.
        case ofOtherSize(UInt64)
        /// Cut off, damaged, or no journal at all.
        case foreign
    }

    enum Slot: Equatable {
        case empty
        /// Damaged, or cut off.
        case torn
        case record(ReplayRecord)
    }

    static let magic = Array("wstnseen".utf8)

    package static func fileSize(slots: Int) -> Int { pageSize * (1 + (slots + slotsOfPage - 1) / slotsOfPage) }

    static func offset(ofSlot slot: Int) -> Int {
        pageSize * (1 + slot / slotsOfPage) + slot % slotsOfPage * slotSize
    }

    // MARK: The head

    static func encode(_ head: Head, slots: Int) -> [UInt8] {
        var bytes = magic
        bytes.reserveCapacity(headSize)
        bytes.append(integer: version)
        bytes.append(integer: UInt32(slotSize))
        bytes.append(integer: UInt64(slots))
        bytes.append(integer: word(of: head.gap, .up))
        bytes.append(integer: head.lifetime.map { word(of: $0, .down) } ?? 0)
        bytes.append(integer: head.longest.map { word(of: $0, .up) } ?? 0)
        let spans = head.forgotten.spans
        bytes.append(integer: UInt64(spans.count))
        for index in 0..<ForgottenSpans.capacity {
            bytes.append(integer: index < spans.count ? UInt64(bitPattern: spans[index].lowerBound) : 0)
            bytes.append(integer: index < spans.count ? UInt64(bitPattern: spans[index].upperBound) : 0)
        }
        bytes.append(integer: bytes.withUnsafeBytes { check(ofHead: $0) })
        return bytes
    }

    /// - Parameter bytes: the file's beginning; what is behind the head does not count.
    static func readHead(_ bytes: [UInt8], slots: Int) -> Reading {
        let bytes = Array(bytes.prefix(headSize))
        if bytes.allSatisfy({ $0 == 0 }) { return .unfinished }
        guard bytes.starts(with: magic) else { return .foreign }
        return bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard reader.readBytes(magic.count) != nil, let version: UInt32 = reader.readInteger(),
                let slotSize: UInt32 = reader.readInteger(), let count: UInt64 = reader.readInteger()
            else { return .foreign }
            guard version == Self.version || version == 1 else { return .ofOtherVersion(version) }
            let isFormer = version == 1
            guard slotSize == UInt32(isFormer ? ReplayJournalFormatV1.slotSize : Self.slotSize) else { return .foreign }
            if count != UInt64(slots) { return .ofOtherSize(count) }
            if isFormer { return ReplayJournalFormatV1.readHead(&reader).map(Reading.former) ?? .foreign }
            let checked = UnsafeRawBufferPointer(rebasing: bytes.prefix(headSize - 8))
            guard let head = readFields(&reader), let sum: UInt64 = reader.readInteger(), sum == check(ofHead: checked)
            else { return .foreign }
            return .good(head)
        }
    }

    private static func readFields(_ reader: inout ByteReader) -> Head? {
        guard let gap = readSeconds(&reader), let lifetime: UInt64 = reader.readInteger(),
            let longest: UInt64 = reader.readInteger(), let count: UInt64 = reader.readInteger(),
            count <= UInt64(ForgottenSpans.capacity)
        else { return nil }
        var spans: [ForgottenSpans.Span] = []
        for index in 0..<UInt64(ForgottenSpans.capacity) {
            guard let lower: UInt64 = reader.readInteger(), let upper: UInt64 = reader.readInteger() else { return nil }
            guard index < count else { continue }
            guard let span = span(lower, upper) else { return nil }
            spans.append(span)
        }
        let (shortestSeconds, longestSeconds) = (seconds(in: lifetime), seconds(in: longest))
        guard lifetime == 0 || shortestSeconds != nil, longest == 0 || longestSeconds != nil else { return nil }
        return Head(gap: gap, lifetime: shortestSeconds, longest: longestSeconds, forgotten: ForgottenSpans(spans))
    }

    private static func span(_ lower: UInt64, _ upper: UInt64) -> ForgottenSpans.Span? {
        let (lower, upper) = (Int64(bitPattern: lower), Int64(bitPattern: upper))
        return lower <= upper ? lower...upper : nil
    }

    /// - Returns: nil for what is damaged.
    static func readSeconds(_ reader: inout ByteReader) -> Double? {
        guard let word: UInt64 = reader.readInteger() else { return nil }
        return seconds(in: word)
    }

    static func word(of seconds: Double, _ rule: FloatingPointRoundingRule) -> UInt64 {
        // A NaN is no time, and fits no integer.
        let seconds = UInt32(exactly: (seconds < 0 ? 0 : seconds).rounded(rule)) ?? .max
        return UInt64(seconds) << 32 | UInt64(~seconds)
    }

    static func seconds(in word: UInt64) -> Double? {
        let seconds = UInt32(truncatingIfNeeded: word >> 32)
        guard UInt32(truncatingIfNeeded: word) == ~seconds else { return nil }
        return seconds == .max ? .infinity : Double(seconds)
    }

    private static func check(ofHead bytes: UnsafeRawBufferPointer) -> UInt64 {
        var reader = ByteReader(bytes)
        var sum: UInt64 = 0x7773_7461_6e20_6864
        while let word: UInt64 = reader.readInteger() { sum = mixed(sum, word) }
        return sum
    }

    // MARK: Slots

    /// A slot's bytes, as they are in memory.
    typealias SlotWords = (UInt64, UInt64, UInt64, UInt64, UInt64)

    static func encode(_ record: ReplayRecord) -> SlotWords {
        let (kind, first, second): (UInt64, UInt64, UInt64) =
            switch record.content {
            case .request(let token): (requestKind, token.high, token.low)
            case .retired(let span):
                (lineKind, UInt64(bitPattern: span.lowerBound), UInt64(bitPattern: span.upperBound))
            }
        let (key, time) = (record.key.value, record.time.bitPattern)
        let sum = check(kind, key, first, second, time, slot: record.slot)
        return (key.bigEndian, first.bigEndian, second.bigEndian, time.bigEndian, sum.bigEndian)
    }

    /// - Parameter bytes: all that is there of it; a slot that was cut off is torn.
    static func readSlot(_ bytes: UnsafeRawBufferPointer, number: Int) -> Slot {
        var reader = ByteReader(bytes)
        guard let key: UInt64 = reader.readInteger(), let first: UInt64 = reader.readInteger(),
            let second: UInt64 = reader.readInteger(), let time: UInt64 = reader.readInteger(),
            let check: UInt64 = reader.readInteger()
        else { return bytes.allSatisfy { $0 == 0 } ? .empty : .torn }
        if check == 0 { return key | first | second | time == 0 ? .empty : .torn }
        let content: ReplayRecord.Content
        if check == Self.check(requestKind, key, first, second, time, slot: number) {
            content = .request(Nonce(high: first, low: second))
        } else if check == Self.check(lineKind, key, first, second, time, slot: number), let span = span(first, second) {
            content = .retired(span)
        } else {
            return .torn
        }
        return .record(
            ReplayRecord(key: KeyID(value: key), content: content, time: Double(bitPattern: time), slot: number))
    }

    private static let requestKind: UInt64 = 0x7773_7461_6e20_3031
    private static let lineKind: UInt64 = 0x7773_7461_6e20_6c6e

    /// Never 0, which an empty slot has.
    private static func check(
        _ kind: UInt64, _ key: UInt64, _ first: UInt64, _ second: UInt64, _ time: UInt64, slot: Int
    ) -> UInt64 {
        var sum = mixed(mixed(kind, key), first)
        sum = mixed(mixed(mixed(sum, second), time), UInt64(truncatingIfNeeded: slot))
        return sum == 0 ? 1 : sum
    }

    /// Each step can be undone, so a change of one word alone is always seen.
    static func mixed(_ sum: UInt64, _ word: UInt64) -> UInt64 {
        let product = (sum ^ word) &* 0x9e37_79b9_7f4a_7c15
        return product ^ product >> 29
    }
}
