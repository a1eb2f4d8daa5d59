import WstanBase

/// A request that was accepted, as the journal has it.
struct ReplayRecord: Equatable, Sendable {
    let token: Nonce
    /// Seconds since the epoch.
    let expiry: Double
    /// Where it stands.
    let slot: Int
}

/// How seen requests are written down: a head of 64 bytes, then slots of 32, all integers in network order.
///
///     head   "wstnseen", version (4), bytes of a slot (4), count of slots (8), gap (8), lifetime (8), zeros
///     slot   token (16), expiry as a double (8), check (8)
///
/// The gap says until when requests may have been accepted that are not here, since the journal was begun after them; in
/// seconds since the epoch (4), and the same with every bit turned (4). The lifetime says in the same way for how many
/// seconds requests were remembered; zeros: nobody has said so yet.
///
/// A slot's check is stored last, and taken away first when the slot is used again. So a process that is killed between
/// two stores leaves a slot that holds nothing, and its request had no answer yet. The check covers the slot's number too:
/// bytes that have moved are none of ours. It finds accidents; it is no defence against somebody who may write the file.
package enum ReplayJournalFormat {
    static let headSize = 64
    static let slotSize = 32
    static let version: UInt32 = 1

    enum Head: Equatable {
        /// Seconds since the epoch; 0: nothing is missing; infinite: nobody knows.
        case good(gap: Double, lifetime: Double?)
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

    private static let magic = Array("wstnseen".utf8)

    package static func fileSize(slots: Int) -> Int { headSize + slots * slotSize }

    static func offset(ofSlot slot: Int) -> Int { headSize + slot * slotSize }

    static let gapOffset = 24
    static let lifetimeOffset = 32

    /// A journal that is begun, and whose gap is not known yet.
    static func head(slots: Int) -> [UInt8] {
        var head = magic
        head.append(integer: version)
        head.append(integer: UInt32(slotSize))
        head.append(integer: UInt64(slots))
        head.append(integer: word(ofGap: .infinity))
        return head + [UInt8](repeating: 0, count: headSize - head.count)
    }

    /// - Parameter bytes: the file's beginning; what is behind the head does not count.
    static func readHead(_ bytes: [UInt8], slots: Int) -> Head {
        let head = Array(bytes.prefix(headSize))
        if head.allSatisfy({ $0 == 0 }) { return .unfinished }
        guard head.count == headSize, head.starts(with: magic) else { return .foreign }
        return head.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard reader.readBytes(magic.count) != nil, let version: UInt32 = reader.readInteger(),
                let slotSize: UInt32 = reader.readInteger(), let count: UInt64 = reader.readInteger()
            else { return .foreign }
            if version != Self.version { return .ofOtherVersion(version) }
            guard slotSize == UInt32(Self.slotSize) else { return .foreign }
            if count != UInt64(slots) { return .ofOtherSize(count) }
            guard let gapWord: UInt64 = reader.readInteger(), let gap = seconds(in: gapWord),
                let lifetimeWord: UInt64 = reader.readInteger(), reader.readRest().allSatisfy({ $0 == 0 })
            else { return .foreign }
            if lifetimeWord == 0 { return .good(gap: gap, lifetime: nil) }
            guard let lifetime = seconds(in: lifetimeWord) else { return .foreign }
            return .good(gap: gap, lifetime: lifetime)
        }
    }

    static func word(ofGap gap: Double) -> UInt64 { word(of: gap, .up) }

    static func word(ofLifetime lifetime: Double) -> UInt64 { word(of: lifetime, .down) }

    private static func word(of seconds: Double, _ rule: FloatingPointRoundingRule) -> UInt64 {
        // A NaN is no time, and fits no integer.
        let seconds = UInt32(exactly: (seconds < 0 ? 0 : seconds).rounded(rule)) ?? .max
        return UInt64(seconds) << 32 | UInt64(~seconds)
    }

    private static func seconds(in word: UInt64) -> Double? {
        let seconds = UInt32(truncatingIfNeeded: word >> 32)
        guard UInt32(truncatingIfNeeded: word) == ~seconds else { return nil }
        return seconds == .max ? .infinity : Double(seconds)
    }

    /// Puts a record into its slot. It is there with the last store, and the former one is gone with the first.
    ///
    /// - Parameter store: a word and where it goes, in this order, whatever happens in between.
    static func write(_ record: ReplayRecord, store: (UInt64, _ offset: Int) -> Void) {
        let (high, low, expiry) = (record.token.high, record.token.low, record.expiry.bitPattern)
        let offset = offset(ofSlot: record.slot)
        store(0, offset + 24)
        store(high, offset)
        store(low, offset + 8)
        store(expiry, offset + 16)
        store(check(high, low, expiry, slot: record.slot), offset + 24)
    }

    /// - Parameter bytes: all that is there of it; a slot that was cut off is torn.
    static func readSlot(_ bytes: UnsafeRawBufferPointer, number: Int) -> Slot {
        var reader = ByteReader(bytes)
        guard let high: UInt64 = reader.readInteger(), let low: UInt64 = reader.readInteger(),
            let expiry: UInt64 = reader.readInteger(), let check: UInt64 = reader.readInteger()
        else { return bytes.allSatisfy { $0 == 0 } ? .empty : .torn }
        // Whatever stands before it: taken away to be used again.
        if check == 0 { return .empty }
        guard check == Self.check(high, low, expiry, slot: number) else { return .torn }
        return .record(
            ReplayRecord(token: Nonce(high: high, low: low), expiry: Double(bitPattern: expiry), slot: number))
    }

    /// Never 0, which an empty slot has.
    private static func check(_ high: UInt64, _ low: UInt64, _ expiry: UInt64, slot: Int) -> UInt64 {
        var sum: UInt64 = 0x7773_7461_6e20_3031
        for word in [high, low, expiry, UInt64(truncatingIfNeeded: slot)] {
            // Each step can be undone, so a change of one word alone is always seen.
            sum = (sum ^ word) &* 0x9e37_79b9_7f4a_7c15
            sum ^= sum >> 29
        }
        return sum == 0 ? 1 : sum
    }
}

/// What a former process has left in the journal, gathered slot by slot.
struct ReplayJournalReading {
    /// In the order of their slots.
    private(set) var records: [ReplayRecord] = []
    /// A kill leaves none.
    private(set) var torn = 0
    /// Left out: nobody's clock is as wrong as that, or it has been set back by days meanwhile.
    private(set) var inFarFuture = 0

    private let now: Double
    /// How far ahead an expiry may be: an hour of `request-ttl` in the future, and as much behind it, and a clock that was
    /// an awkward time zone away.
    static let farthest = 86_400.0

    init(now: Double) {
        self.now = now
    }

    /// - Parameters:
    ///   - bytes: whole slots, and what there is of the last one.
    ///   - first: the number of the first slot.
    ///   - count: slots from there on do not exist, whatever the bytes say.
    mutating func read(_ bytes: UnsafeRawBufferPointer, from first: Int, count: Int) {
        let size = ReplayJournalFormat.slotSize
        for (index, offset) in stride(from: 0, to: bytes.count, by: size).enumerated() where first + index < count {
            let slot = UnsafeRawBufferPointer(rebasing: bytes[offset..<min(offset + size, bytes.count)])
            switch ReplayJournalFormat.readSlot(slot, number: first + index) {
            case .empty: break
            case .torn: torn += 1
            case .record(let record): add(record)
            }
        }
    }

    private mutating func add(_ record: ReplayRecord) {
        // False for a NaN. What has expired longer ago than the memory's margin is just an old slot.
        guard record.expiry >= now - ReplayMemory.margin - 10 else { return }
        guard record.expiry <= now + Self.farthest else {
            inFarFuture += 1
            return
        }
        records.append(record)
    }
}
