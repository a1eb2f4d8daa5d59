@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    private static let slots = 6

    private static func journal(gap: Double = 0, _ records: [ReplayRecord]) -> [UInt8] {
        var bytes = ReplayJournalFormat.head(slots: slots)
        bytes += [UInt8](repeating: 0, count: slots * ReplayJournalFormat.slotSize)
        let store = { (word: UInt64, offset: Int) in
            var word = [UInt8]().appending(word)
            for index in word.indices.reversed() { bytes[offset + index] = word.removeLast() }
        }
        store(ReplayJournalFormat.word(ofGap: gap), ReplayJournalFormat.gapOffset)
        for record in records { ReplayJournalFormat.write(record, store: store) }
        return bytes
    }

    /// What a former process has left, or somebody else: every record that is read says exactly what its slot holds, none
    /// comes from outside the file's slots, and what is remembered of it is bounded.
    static let replayJournal = FuzzTarget(
        "replay-journal",
        seeds: [
            journal([
                ReplayRecord(token: Nonce(high: 1, low: 2), expiry: 1_763_683_260, slot: 0),
                ReplayRecord(token: Nonce(high: 3, low: 4), expiry: 1_763_683_100, slot: 2),
                ReplayRecord(token: Nonce(high: 1, low: 2), expiry: 1_763_683_250, slot: 5),
            ]),
            journal(gap: 1_763_683_200, []), ReplayJournalFormat.head(slots: 9), [],
        ]
    ) { input in
        let now = 1_763_683_200.0
        let bytes = input.rest()
        if case .good(let gap, let lifetime) = ReplayJournalFormat.readHead(bytes, slots: slots) {
            require(gap >= 0, "a time, or all of them")
            require(lifetime ?? 0 >= 0, "a time, or nothing is known")
        }
        var reading = ReplayJournalReading(now: now)
        let body = Array(bytes.dropFirst(ReplayJournalFormat.headSize))
        body.withUnsafeBytes { reading.read($0, from: 0, count: slots) }
        require(reading.records.count + reading.torn <= slots, "bounded")
        for record in reading.records {
            require((0..<slots).contains(record.slot), "within the file")
            require(record.expiry.isFinite && record.expiry < now + 100_000, "a time that comes")
            ReplayJournalFormat.write(record) { word, offset in
                let isThere = bytes.dropFirst(offset).prefix(8).elementsEqual([UInt8]().appending(word))
                // The first store is the one that takes the former check away.
                require(word == 0 || isThere, "what was read is what is there")
            }
        }
        var memory = ReplayMemory(capacity: slots, remembering: reading.records, now: now)
        for record in reading.records {
            require(
                memory.admit(record.token, expiry: now + 60, now: now) == .seen || record.expiry < now - 120, "known")
        }
        var count = memory.count
        while case .new(let slot) = memory.admit(Nonce(high: 9, low: UInt64(count)), expiry: now + 60, now: now) {
            require((0..<slots).contains(slot), "every slot is there once")
            count += 1
            require(count <= slots, "closed when full")
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
        let now = 1_763_683_200.0
        let found = ReplayWatermarkCodec.decode(bytes)
        if let found {
            require(ReplayWatermarkCodec.decode(ReplayWatermarkCodec.encode(found)) == found, "read as it was written")
        }
        var marks = ReplayWatermarks(found: found, gap: .infinity, lifetime: 60, now: now)
        require(marks.refusal(at: now) <= 60 + 2 * ReplayWatermarks.step, "not for long")
        for key in (found ?? [:]).keys {
            require(!marks.refuses(now + 121, of: key, now: now + 121), "not for ever")
        }
    }
}

extension [UInt8] {
    fileprivate func appending(_ word: UInt64) -> [UInt8] {
        var bytes = self
        bytes.append(integer: word)
        return bytes
    }
}
