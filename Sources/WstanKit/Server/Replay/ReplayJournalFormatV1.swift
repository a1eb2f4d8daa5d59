import WstanBase

/// The journal as 0.1.0 has written it, which is read once: a head of 64 bytes, then slots of 32, all integers in network order.
///
///     head   "wstnseen", version (4), bytes of a slot (4), count of slots (8), gap (8), lifetime (8), zeros
///     slot   token (16), expiry as a double (8), check (8)
///
/// Its records name no key, and count as requests of all of them. When they were made follows from the lifetime in the head.
enum ReplayJournalFormatV1 {
    static let headSize = 64
    static let slotSize = 32

    static func fileSize(slots: Int) -> Int { headSize + slots * slotSize }

    static func offset(ofSlot slot: Int) -> Int { headSize + slot * slotSize }

    /// Its lifetime is that of the last process: an earlier one may have had any.
    ///
    /// - Parameter reader: behind the count of slots.
    static func readHead(_ reader: inout ByteReader) -> ReplayJournalFormat.Head? {
        guard let gap = ReplayJournalFormat.readSeconds(&reader), let lifetime: UInt64 = reader.readInteger(),
            let rest = reader.readBytes(headSize - 40), rest.allSatisfy({ $0 == 0 })
        else { return nil }
        let longest = ReplayMemory.longestLifetime
        guard lifetime != 0 else { return ReplayJournalFormat.Head(gap: gap, longest: longest) }
        guard let seconds = ReplayJournalFormat.seconds(in: lifetime) else { return nil }
        // Times follow from it: one that is not finite counts as unknown.
        return ReplayJournalFormat.Head(gap: gap, lifetime: seconds.isFinite ? seconds : nil, longest: longest)
    }

    /// What `request-ttl` is unless somebody says otherwise, for a head that does not tell.
    static let usualLifetime = 60.0

    /// - Parameters:
    ///   - bytes: all that is there of it.
    ///   - lifetime: of a request, in seconds.
    static func readSlot(_ bytes: UnsafeRawBufferPointer, number: Int, lifetime: Double) -> ReplayJournalFormat.Slot {
        var reader = ByteReader(bytes)
        guard let high: UInt64 = reader.readInteger(), let low: UInt64 = reader.readInteger(),
            let expiry: UInt64 = reader.readInteger(), let check: UInt64 = reader.readInteger()
        else { return bytes.allSatisfy { $0 == 0 } ? .empty : .torn }
        // Whatever stands before it: taken away to be used again.
        if check == 0 { return .empty }
        guard check == Self.check(high, low, expiry, slot: number) else { return .torn }
        return .record(
            ReplayRecord(
                key: ReplayMemory.nameless, content: .request(Nonce(high: high, low: low)),
                time: Double(bitPattern: expiry) - lifetime, slot: number))
    }

    static func check(_ high: UInt64, _ low: UInt64, _ expiry: UInt64, slot: Int) -> UInt64 {
        var sum: UInt64 = 0x7773_7461_6e20_3031
        for word in [high, low, expiry, UInt64(truncatingIfNeeded: slot)] { sum = ReplayJournalFormat.mixed(sum, word) }
        return sum == 0 ? 1 : sum
    }
}
