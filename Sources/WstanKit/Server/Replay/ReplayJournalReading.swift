import WstanBase

/// What a former process has left in the journal, gathered slot by slot.
struct ReplayJournalReading {
    /// In the order of their slots.
    private(set) var records: [ReplayRecord] = []
    /// A kill leaves none.
    private(set) var torn = 0
    /// Their time is so far ahead that this clock, or the one that they were written by, is wrong.
    private(set) var inFarFuture = 0
    /// What a journal of 0.1.0 has and has expired long ago: no span of its says so.
    private(set) var expired = ForgottenSpans()

    private let now: Double
    private let formerLifetime: Double?
    var isFormer: Bool { formerLifetime != nil }
    /// How far ahead a time may be: an hour of `request-ttl`, and a clock that was an awkward time zone away.
    static let farthest = 86_400.0
    /// For so long 0.1.0 remembered what had expired.
    private static let formerMargin = 130.0

    /// - Parameter formerLifetime: of a request, in seconds, where 0.1.0 has written it.
    init(now: Double, formerLifetime: Double? = nil) {
        self.now = now
        self.formerLifetime = formerLifetime
    }

    /// - Parameters:
    ///   - bytes: the file from the first slot on, and what there is of it.
    ///   - first: the number of the first slot.
    ///   - count: slots to read; those that the bytes have not are empty.
    mutating func read(_ bytes: UnsafeRawBufferPointer, from first: Int, count: Int) {
        let size = isFormer ? ReplayJournalFormatV1.slotSize : ReplayJournalFormat.slotSize
        for number in first..<(first + count) {
            let offset = offset(ofSlot: number) - offset(ofSlot: first)
            guard offset < bytes.count else { return }
            let slot = UnsafeRawBufferPointer(rebasing: bytes[offset..<min(offset + size, bytes.count)])
            switch readSlot(slot, number) {
            case .empty: break
            case .torn: torn += 1
            case .record(let record): add(record)
            }
        }
    }

    private func offset(ofSlot number: Int) -> Int {
        isFormer ? ReplayJournalFormatV1.offset(ofSlot: number) : ReplayJournalFormat.offset(ofSlot: number)
    }

    private func readSlot(_ bytes: UnsafeRawBufferPointer, _ number: Int) -> ReplayJournalFormat.Slot {
        guard let formerLifetime else { return ReplayJournalFormat.readSlot(bytes, number: number) }
        return ReplayJournalFormatV1.readSlot(bytes, number: number, lifetime: formerLifetime)
    }

    private mutating func add(_ record: ReplayRecord) {
        guard let unit = ReplayMemory.unit(record.time) else { return }
        if let formerLifetime, record.time + formerLifetime < now - Self.formerMargin {
            return expired.insert(unit...unit)
        }
        if record.time > now + Self.farthest { inFarFuture += 1 }
        records.append(record)
    }
}
