@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    private static let slots = 6
    private static let now = 1_763_683_200.0

    private static func journal(_ head: ReplayJournalFormat.Head, _ records: [ReplayRecord]) -> [UInt8] {
        var bytes = ReplayJournalFormat.encode(head, slots: slots)
        for record in records { bytes += withUnsafeBytes(of: ReplayJournalFormat.encode(record)) { Array($0) } }
        return bytes
    }

    private static func request(_ number: UInt64, at time: Double, slot: Int) -> ReplayRecord {
        ReplayRecord(
            key: KeyID(value: number / 2), content: .request(Nonce(high: number, low: 2)), time: time, slot: slot)
    }

    /// What a former process has left, or somebody else: every record that is read says exactly what its slot holds, none
    /// comes from outside the file's slots, and what is remembered of it is bounded. The head and the slots stand without the
    /// zeros between them.
    static let replayJournal = FuzzTarget(
        "replay-journal",
        seeds: [
            journal(
                ReplayJournalFormat.Head(gap: 0, lifetime: 60, forgotten: ForgottenSpans([5...9, 176_368_330...176_368_331])),
                [
                    request(1, at: now, slot: 0), request(3, at: now - 160, slot: 1),
                    ReplayRecord(key: KeyID(value: 4), content: .retired(176_368_320...176_368_326), time: now, slot: 2),
                    request(4, at: now - 10, slot: 3),
                ]),
            journal(ReplayJournalFormat.Head(gap: now), []), ReplayJournalFormat.encode(.init(), slots: 9), [],
            Array("wstnseen".utf8) + [0, 0, 0, 1, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 6] + [0, 0, 0, 0, 255, 255, 255, 255]
                + [UInt8](repeating: 0, count: 300),
        ]
    ) { input in
        let bytes = input.rest()
        var left = ReplayMemory.Inheritance(lifetime: 60)
        switch ReplayJournalFormat.readHead(bytes, slots: slots) {
        case .good(let head), .former(let head):
            require(head.gap >= 0, "a time, or all of them")
            require(head.lifetime ?? 0 >= 0, "a time, or nothing is known")
            require(head.forgotten.spans.count <= ForgottenSpans.capacity, "bounded")
            left.forgotten = head.forgotten
        case .unfinished, .ofOtherVersion, .ofOtherSize, .foreign: break
        }
        let body = Array(bytes.dropFirst(ReplayJournalFormat.headSize))
        for isFormer in [true, false] {
            var reading = ReplayJournalReading(now: now, formerLifetime: isFormer ? 60 : nil)
            body.withUnsafeBytes { reading.read($0, from: 0, count: slots) }
            require(reading.records.count + reading.torn <= slots, "bounded")
            for record in reading.records {
                require((0..<slots).contains(record.slot) && record.time.isFinite, "within the file, a time")
                guard !isFormer else { continue }
                let there = body.dropFirst(record.slot * ReplayJournalFormat.slotSize).prefix(ReplayJournalFormat.slotSize)
                require(
                    withUnsafeBytes(of: ReplayJournalFormat.encode(record)) { $0.elementsEqual(there) },
                    "what was read is what is there")
            }
            left.records = reading.records
        }
        var memory = ReplayMemory(capacity: slots, inheriting: left, now: Moment(wall: now, boot: 1000))
        require(memory.count <= slots, "bounded")
        for record in left.records {
            guard case .request(let token) = record.content else { continue }
            let admission = memory.admit(
                token, under: record.key, madeAt: record.time, lifetime: 60, now: Moment(wall: now, boot: 1000))
            if case .new = admission { require(false, "known") }
        }
        for record in memory.records { require((0..<slots).contains(record.slot), "every slot is there once") }
        var key: UInt64 = 1 << 40
        while case .new(let slot) = memory.admit(
            Nonce(high: 9, low: key), under: KeyID(value: key), madeAt: now + 1e6, lifetime: 60, now: Moment(wall: now, boot: 1000))
        {
            require((0..<slots).contains(slot), "every slot is there once")
            key += 1
            require(key < 1 << 40 + UInt64(slots) + 1, "closed when full")
        }
    }

    /// The marks' file: what is read is written as it was, and refuses nobody for long.
    static let replayMarks = FuzzTarget(
        "replay-marks",
        seeds: [
            ReplayWatermarkCodec.encode([:]),
            KeyID(text: "0123456789abcdef").map { ReplayWatermarkCodec.encode([$0: 1_763_683_230]) } ?? [],
        ]
    ) { input in
        let bytes = input.rest()
        let found = ReplayWatermarkCodec.decode(bytes)
        if let found {
            require(ReplayWatermarkCodec.decode(ReplayWatermarkCodec.encode(found)) == found, "read as it was written")
        }
        let marks = ReplayWatermarks(found: found, gap: .infinity, lifetime: 60, now: now)
        require(marks.refusal(at: now) <= 60 + 2 * ReplayWatermarks.step, "not for long")
        let isComing = (found ?? [:]).values.contains { abs($0 - now - 121) < 240 }
        for key in (found ?? [:]).keys where !isComing {
            require(!marks.refuses(now + 121, of: key, now: now + 121), "not for ever")
        }
    }
}
