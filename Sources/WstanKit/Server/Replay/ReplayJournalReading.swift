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
