import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ReplayJournalTests {
    private static let now = 1_763_683_200.0
    private static let key = Key.random().id

    private static func token(_ number: Int) -> Nonce { Nonce(high: 7, low: UInt64(number)) }

    /// A folder that is there for as long as `body` runs.
    private static func withDirectory<R>(_ body: (String) throws -> R) throws -> R {
        let path = NSTemporaryDirectory() + "wstan-journal-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    private static func file(in directory: String) -> String { directory + "/" + ReplayJournal.fileName }

    private static func bytes(in directory: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: file(in: directory))))
    }

    private static func write(_ bytes: [UInt8], in directory: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: file(in: directory)))
    }

    /// A guard as the next process has it.
    private static func replayGuard(_ directory: String, slots: Int, now: Double = now) throws -> ReplayGuard {
        let opened = try ReplayJournal.open(in: directory, slots: slots, now: now)
        opened.journal.note(gap: 0)
        return ReplayGuard(capacity: slots, opened: opened, now: now)
    }

    private static func admits(
        _ replayGuard: ReplayGuard, _ number: Int, now: Double = now
    ) -> ReplayGuard.Admission {
        replayGuard.admit(token(number), of: now, under: key, expiry: now + 60, now: now)
    }

    /// Four slots of which the first three are taken.
    private static func threeSeen(in directory: String) throws -> [UInt8] {
        let replayGuard = try replayGuard(directory, slots: 4)
        for number in 0..<3 { #expect(admits(replayGuard, number) == .new) }
        return try bytes(in: directory)
    }

    // MARK: Restarts

    @Test func `what was admitted is refused by the next process, and what was not is admitted`() throws {
        try Self.withDirectory { directory in
            for round in 0..<5 {
                let replayGuard = try Self.replayGuard(directory, slots: 100)
                for number in 0..<(round * 10) { #expect(Self.admits(replayGuard, number) == .seen) }
                for number in (round * 10)..<(round * 10 + 10) { #expect(Self.admits(replayGuard, number) == .new) }
            }
        }
    }

    /// A request is forgotten when its former lifetime is over, so nothing may make it live longer.
    @Test func `the next process knows for how long requests were remembered`() throws {
        try Self.withDirectory { directory in
            for (lifetime, expected) in [(60.0, 60.0), (600, 60), (10, 10), (600, 10)] {
                let opened = try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
                opened.journal.note(gap: 0)
                let replayGuard = ReplayGuard(capacity: 4, opened: opened, lifetime: lifetime, now: Self.now)
                #expect(replayGuard.lifetime(ofRequestAt: Self.now) == expected)
            }
            // What was longer is noted as such when nothing of the shorter time is left.
            do {
                let opened = try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
                ReplayGuard(capacity: 4, opened: opened, lifetime: 600, now: Self.now).moveOn(now: Self.now + 1201)
            }
            #expect(try ReplayJournal.open(in: directory, slots: 4, now: Self.now).lifetime == 600)
        }
    }

    @Test func `a file of its own, of the right size, which nobody else may read`() throws {
        try Self.withDirectory { directory in
            _ = try Self.threeSeen(in: directory)
            let attributes = try FileManager.default.attributesOfItem(atPath: Self.file(in: directory))
            #expect(attributes[.size] as? Int == 64 + 4 * 32)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func `a journal that is full stays full in the next process, until something has expired`() throws {
        try Self.withDirectory { directory in
            for _ in 0..<2 {
                let replayGuard = try Self.replayGuard(directory, slots: 4)
                for number in 0..<4 { _ = Self.admits(replayGuard, number) }
                #expect(Self.admits(replayGuard, 9) == .full)
                #expect(Self.admits(replayGuard, 3) == .seen)
            }
            let later = Self.now + 71 + ReplayMemory.margin
            let replayGuard = try Self.replayGuard(directory, slots: 4, now: later)
            for number in 10..<14 { #expect(Self.admits(replayGuard, number, now: later) == .new) }
            #expect(Self.admits(replayGuard, 14, now: later) == .full)
        }
    }

    @Test func `slots go round and round, and the last of each is what counts`() throws {
        try Self.withDirectory { directory in
            var now = Self.now
            for round in 0..<50 {
                let replayGuard = try Self.replayGuard(directory, slots: 3, now: now)
                #expect(Self.admits(replayGuard, round, now: now) == .new)
                #expect(Self.admits(replayGuard, round, now: now) == .seen)
                if round > 0 { #expect(Self.admits(replayGuard, round - 1, now: now) == .seen) }
                now += 100
            }
            #expect(try Self.bytes(in: directory).count == 64 + 3 * 32)
        }
    }

    @Test func `a clock that is set back reopens nothing, also over a restart`() throws {
        try Self.withDirectory { directory in
            _ = try Self.threeSeen(in: directory)
            for offset in [-50_000.0, -100, 60, 180] {
                let replayGuard = try Self.replayGuard(directory, slots: 4, now: Self.now + offset)
                for number in 0..<3 { #expect(Self.admits(replayGuard, number, now: Self.now + offset) == .seen) }
            }
        }
    }

    @Test func `what is from a time to come is left out, and told`() throws {
        try Self.withDirectory { directory in
            _ = try Self.threeSeen(in: directory)
            let opened = try ReplayJournal.open(in: directory, slots: 4, now: Self.now - 90_000)
            #expect(opened.records.isEmpty)
            #expect(opened.warning?.contains("3 requests are from a time to come") == true)
            #expect(opened.gap == 0)
        }
    }

    // MARK: Kills

    /// A kill of the process comes between two stores: all those before it are in the file, none of the others is.
    @Test func `a kill at any store un-remembers nobody who had an answer`() throws {
        let old = ReplayRecord(token: Self.token(1), expiry: Self.now - 500, slot: 1)
        let new = ReplayRecord(token: Self.token(2), expiry: Self.now + 60, slot: 1)
        let other = ReplayRecord(token: Self.token(3), expiry: Self.now + 60, slot: 0)
        for stores in 0...5 {
            var bytes = ReplayJournalFormat.head(slots: 2) + [UInt8](repeating: 0, count: 64)
            for record in [other, old] { Self.write(record, to: &bytes) }
            Self.write(new, to: &bytes, stores: stores)
            var reading = ReplayJournalReading(now: Self.now)
            bytes[64...].withUnsafeBytes { reading.read($0, from: 0, count: 2) }
            #expect(reading.torn == 0, "a kill is no damage")
            #expect(reading.records == (stores == 5 ? [other, new] : [other]))
        }
    }

    private static func write(_ record: ReplayRecord, to bytes: inout [UInt8], stores: Int = .max) {
        var count = 0
        ReplayJournalFormat.write(record) { word, offset in
            guard count < stores else { return }
            count += 1
            var stored: [UInt8] = []
            stored.append(integer: word)
            bytes.replaceSubrange(offset..<(offset + 8), with: stored)
        }
    }

    // MARK: Damage

    @Test func `a journal that was cut off keeps what is left, and says that it does not know all`() throws {
        try Self.withDirectory { directory in
            let whole = try Self.threeSeen(in: directory)
            for length in 0..<whole.count {
                try Self.write(Array(whole.prefix(length)), in: directory)
                let opened = try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
                #expect(opened.gap == .infinity, "\(length)")
                #expect(opened.records.count == max(0, min(3, (length - 64) / 32)), "\(length)")
                #expect((opened.warning == nil) == (length == 0), "\(length)")
                // What was in its place is there again, and whole.
                #expect(try Self.bytes(in: directory).count == whole.count)
            }
            try Self.write(whole + [1, 2, 3], in: directory)
            let opened = try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
            #expect(opened.records.count == 3 && opened.gap == .infinity)
            #expect(try Self.bytes(in: directory).count == whole.count)
        }
    }

    @Test func `a byte that has changed costs its slot at most, and in the head all, which is told`() throws {
        try Self.withDirectory { directory in
            let whole = try Self.threeSeen(in: directory)
            for index in whole.indices {
                for change in [UInt8(1), 0x80, 0xff] {
                    var bytes = whole
                    bytes[index] ^= change
                    try Self.write(bytes, in: directory)
                    let opened = try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
                    let records = opened.records.map(\.slot)
                    switch index {
                    case ..<64: #expect(records.isEmpty && opened.warning != nil && opened.gap == .infinity, "\(index)")
                    case 64..<160:
                        #expect(records == [0, 1, 2].filter { $0 != (index - 64) / 32 }, "\(index)")
                        #expect(opened.warning != nil && opened.gap == .infinity)
                    default: #expect(records == [0, 1, 2], "\(index)")
                    }
                }
            }
        }
    }

    @Test func `another version, another size and garbage are begun anew, and told`() throws {
        try Self.withDirectory { directory in
            let whole = try Self.threeSeen(in: directory)
            var version = whole
            version[11] = 9
            var size = whole
            size[22] = 1
            for (bytes, word) in [
                (version, "another version (9)"), (size, "260 slots"), (Array("not a journal at all".utf8), "damaged"),
                ([UInt8](repeating: 0x5a, count: 100_000), "damaged"),
            ] {
                try Self.write(bytes, in: directory)
                let opened = try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
                #expect(opened.warning?.contains(word) == true)
                #expect(opened.records.isEmpty && opened.gap == .infinity)
                #expect(try Self.bytes(in: directory).count == whole.count)
                #expect(try Self.bytes(in: directory)[64...].allSatisfy { $0 == 0 })
            }
        }
    }

    @Test func `a gap is known to the next process, and one that was not noted is unknown`() throws {
        try Self.withDirectory { directory in
            for gap in [0.0, 1, Self.now, Self.now + 59] {
                try ReplayJournal.open(in: directory, slots: 4, now: Self.now).journal.note(gap: gap)
                #expect(try ReplayJournal.open(in: directory, slots: 4, now: Self.now).gap == gap)
            }
            for gap in [Double.nan, .infinity, 1e300, 5e9] {
                #expect(ReplayJournalFormat.word(ofGap: gap) == ReplayJournalFormat.word(ofGap: .infinity))
            }
            try FileManager.default.removeItem(atPath: Self.file(in: directory))
            for _ in 0..<2 { #expect(try ReplayJournal.open(in: directory, slots: 4, now: Self.now).gap == .infinity) }
        }
    }

    // MARK: Places

    @Test func `two processes do not have it at once`() throws {
        try Self.withDirectory { directory in
            let first = try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
            #expect(throws: ReplayJournal.Failure.inUse(path: Self.file(in: directory))) {
                try ReplayJournal.open(in: directory, slots: 4, now: Self.now, patience: .milliseconds(50))
            }
            withExtendedLifetime(first) {}
        }
        try Self.withDirectory { directory in
            do { _ = try ReplayJournal.open(in: directory, slots: 4, now: Self.now) }
            #expect(throws: Never.self) { try ReplayJournal.open(in: directory, slots: 4, now: Self.now) }
        }
    }

    @Test func `what is no file, or nowhere, is told`() throws {
        try Self.withDirectory { directory in
            #expect(throws: ReplayJournal.Failure.self) {
                try ReplayJournal.open(in: directory + "/nowhere", slots: 4, now: Self.now)
            }
            let path = Self.file(in: directory)
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: directory + "/elsewhere")
            #expect(throws: ReplayJournal.Failure.unusable("\(path) is not a file")) {
                try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
            }
            #expect(!FileManager.default.fileExists(atPath: directory + "/elsewhere"))
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(throws: ReplayJournal.Failure.unusable("\(path) is not a file")) {
                try ReplayJournal.open(in: directory, slots: 4, now: Self.now)
            }
        }
    }

    @Test func `room that is not there is an error, not a signal`() throws {
        try Self.withDirectory { directory in
            let file = try MappedFile(directory + "/file", patience: .zero)
            #expect(throws: SystemError.self) { try file.reserve(1 << 60) }
            try file.reserve(4096)
            try file.map()
            file.store(0x0102_0304_0506_0708, at: 4088)
            #expect(try file.read(at: 4088, count: 100) == [1, 2, 3, 4, 5, 6, 7, 8])
        }
    }
}
