import Foundation
import Synchronization
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
        try makeFolder(path)
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
        return ReplayGuard(capacity: slots, opened: opened, lifetime: 60, now: Moment(now))
    }

    /// What a guard has told of its journal.
    private final class Troubles: Sendable {
        private let all = Mutex<[ReplayJournal.Trouble]>([])

        var told: [ReplayJournal.Trouble] { all.withLock { $0 } }

        func add(_ trouble: ReplayJournal.Trouble) { all.withLock { $0.append(trouble) } }
    }

    private static func replayGuard(_ directory: String, telling troubles: Troubles) throws -> ReplayGuard {
        let opened = try ReplayJournal.open(in: directory, slots: slots, now: now)
        opened.journal.note(gap: 0)
        return ReplayGuard(
            capacity: slots, opened: opened, lifetime: 60, now: Moment(now), tell: { troubles.add($0) })
    }

    private static func admits(
        _ replayGuard: ReplayGuard, _ number: Int, now: Double = now
    ) -> ReplayGuard.Admission {
        replayGuard.admit(token(number), of: now, under: key, now: Moment(now))
    }

    private static let slots = 8
    /// Of the file with so many.
    private static let size = 2 * 4096

    /// Eight slots of which the first three are taken.
    private static func threeSeen(in directory: String) throws -> [UInt8] {
        let replayGuard = try replayGuard(directory, slots: slots)
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
                let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
                opened.journal.note(gap: 0)
                let replayGuard = ReplayGuard(capacity: Self.slots, opened: opened, lifetime: lifetime, now: Moment(Self.now))
                #expect(replayGuard.lifetime(ofRequestAt: Self.now) == expected)
            }
            // What was longer is noted as such when nothing of the shorter time is left.
            do {
                let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
                ReplayGuard(capacity: Self.slots, opened: opened, lifetime: 600, now: Moment(Self.now)).moveOn(now: Self.now + 1201)
            }
            #expect(try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now).lifetime == 600)
        }
    }

    @Test func `a file of its own, of the right size, which nobody else may read`() throws {
        try Self.withDirectory { directory in
            _ = try Self.threeSeen(in: directory)
            let attributes = try FileManager.default.attributesOfItem(atPath: Self.file(in: directory))
            #expect(attributes[.size] as? Int == Self.size)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func `a journal that is full stays full in the next process, until something has expired`() throws {
        try Self.withDirectory { directory in
            for _ in 0..<2 {
                let replayGuard = try Self.replayGuard(directory, slots: Self.slots)
                for number in 0..<4 { _ = Self.admits(replayGuard, number) }
                #expect(Self.admits(replayGuard, 9) == .full)
                #expect(Self.admits(replayGuard, 3) == .seen)
            }
            let replayGuard = try Self.replayGuard(directory, slots: Self.slots, now: Self.now + 1)
            let later = Self.now + 71
            for number in 10..<14 { #expect(Self.admits(replayGuard, number, now: later) == .new) }
            #expect(Self.admits(replayGuard, 14, now: later) == .full)
        }
    }

    @Test func `slots go round and round, and the last of each is what counts`() throws {
        try Self.withDirectory { directory in
            var now = Self.now
            for round in 0..<50 {
                let replayGuard = try Self.replayGuard(directory, slots: 4, now: now)
                #expect(Self.admits(replayGuard, round, now: now) == .new)
                #expect(Self.admits(replayGuard, round, now: now) == .seen)
                now += 100
            }
            #expect(try Self.bytes(in: directory).count == Self.size)
        }
    }

    @Test func `a clock that is set back reopens nothing, also over a restart`() throws {
        try Self.withDirectory { directory in
            _ = try Self.threeSeen(in: directory)
            for offset in [-50_000.0, -100, 60, 180] {
                let replayGuard = try Self.replayGuard(directory, slots: Self.slots, now: Self.now + offset)
                for number in 0..<3 {
                    let again = replayGuard.admit(
                        Self.token(number), of: Self.now, under: Self.key, now: Moment(Self.now + offset))
                    #expect(again != .new, "\(offset)")
                }
            }
        }
    }

    @Test func `what is from a time to come is kept, and told`() throws {
        try Self.withDirectory { directory in
            _ = try Self.threeSeen(in: directory)
            let years = Self.now - 3e8
            let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: years)
            #expect(opened.warning?.contains("3 requests are from a time to come") == true)
            #expect(opened.records.count == 3 && opened.gap == 0)
            let replayGuard = ReplayGuard(capacity: Self.slots, opened: opened, lifetime: 60, now: Moment(wall: years, boot: 0))
            for boot in [1.0, 100, 10_000] {
                for number in 0..<3 {
                    let again = replayGuard.admit(
                        Self.token(number), of: Self.now, under: Self.key, now: Moment(wall: Self.now, boot: boot))
                    #expect(again != .new)
                }
            }
            let fresh = replayGuard.admit(
                Self.token(9), of: Self.now + 20_000, under: Self.key, now: Moment(wall: Self.now + 20_000, boot: 10_000))
            #expect(fresh == .new)
        }
    }

    @Test func `what was forgotten is refused by the next process, too, under whatever clock`() throws {
        try Self.withDirectory { directory in
            _ = try Self.threeSeen(in: directory)
            do {
                let replayGuard = try Self.replayGuard(directory, slots: Self.slots, now: Self.now + 1)
                for number in 10..<14 { #expect(Self.admits(replayGuard, number, now: Self.now + 1000) == .new) }
            }
            for offset in [0.0, 1000, -3e8, 5] {
                let replayGuard = try Self.replayGuard(directory, slots: Self.slots, now: Self.now + offset)
                for number in 0..<3 { #expect(Self.admits(replayGuard, number) != .new, "\(offset)") }
            }
        }
    }

    /// While the forgotten spans were of expiries, the replay was accepted: the next process knew the shorter lifetime only, and a
    /// request that was forgotten at the end of the longer one expired before the span.
    @Test func `another request-ttl, a restart and a clock that is set back reopen nothing`() throws {
        for (first, then) in [(600.0, 60.0), (60, 10), (3600, 1), (10, 60), (60, 600), (1, 3600)] {
            for isReload in [true, false] {
                try Self.withDirectory { directory in
                    func replayGuard(_ lifetime: Double, _ now: Moment) throws -> ReplayGuard {
                        let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: now.wall)
                        opened.journal.note(gap: 0)
                        return ReplayGuard(capacity: Self.slots, opened: opened, lifetime: lifetime, now: now)
                    }
                    func admits(_ replayGuard: ReplayGuard, _ number: Int, at time: Double, _ now: Moment) -> ReplayGuard.Admission {
                        let lifetime = replayGuard.lifetime(ofRequestAt: time)
                        return replayGuard.admit(
                            ReplayGuard.Claim(token: Self.token(number), key: Self.key, time: time, lifetime: lifetime), now: now)
                    }
                    let start = Moment(Self.now)
                    do {
                        let former = try replayGuard(first, start)
                        #expect(admits(former, 0, at: Self.now, start) == .new)
                        if isReload { former.apply(lifetime: then, now: Self.now) }
                    }
                    let later = Moment(Self.now + 8000)
                    do {
                        // It is forgotten when the next one comes.
                        let next = try replayGuard(then, start)
                        #expect(admits(next, 1, at: later.wall, later) == .new)
                    }
                    let back = Moment(wall: Self.now, boot: later.boot + 1)
                    let last = try replayGuard(then, back)
                    #expect(admits(last, 0, at: Self.now, back) != .new, "\(first), \(then), \(isReload)")
                    #expect(admits(last, 2, at: Self.now + 100, Moment(wall: Self.now + 100, boot: later.boot + 101)) == .new)
                }
            }
        }
    }

    /// One process knew the longer one, and the next no more: what was dated ahead was forgotten before its time had come. Its time
    /// was then refused for every key, or it was accepted again.
    @Test func `a shorter request-ttl and some starts neither reopen what was dated ahead nor lock a key out`() throws {
        for (lifetimes, isReload) in [([600.0, 30], false), ([600, 30, 30], false), ([600, 300, 30, 30], false), ([120, 30], true)] {
            try Self.withDirectory { directory in
                func replayGuard(_ lifetime: Double, _ now: Double) throws -> ReplayGuard {
                    let opened = try ReplayJournal.open(in: directory, slots: 1024, now: now)
                    opened.journal.note(gap: 0)
                    return ReplayGuard(capacity: 1024, opened: opened, lifetime: lifetime, now: Moment(now))
                }
                func admits(_ replayGuard: ReplayGuard, _ number: Int, _ key: KeyID, at time: Double, _ now: Double) -> ReplayGuard.Admission {
                    let lifetime = replayGuard.lifetime(ofRequestAt: time)
                    guard abs(now - time) <= lifetime else { return .seen }
                    return replayGuard.admit(
                        ReplayGuard.Claim(token: Self.token(number), key: key, time: time, lifetime: lifetime), now: Moment(now))
                }
                let (phone, laptop) = (KeyID(value: 1), KeyID(value: 2))
                let ahead = stride(from: -lifetimes[0] + 5, to: lifetimes[0], by: 10)
                do {
                    let first = try replayGuard(lifetimes[0], Self.now)
                    for (number, time) in ahead.enumerated() {
                        #expect(admits(first, number, phone, at: Self.now + time, Self.now) == .new)
                    }
                    if isReload { first.apply(lifetime: lifetimes[1], now: Self.now) }
                }
                for lifetime in lifetimes.dropFirst().dropLast() { _ = try replayGuard(lifetime, Self.now + 1) }
                let last = try replayGuard(lifetimes[lifetimes.count - 1], Self.now + 2)
                for second in stride(from: 2.0, to: 1300, by: 5) {
                    let now = Self.now + second
                    #expect(admits(last, 10_000 + Int(second), laptop, at: now, now) == .new, "\(lifetimes) \(second)")
                    for (number, time) in ahead.enumerated() {
                        #expect(admits(last, number, phone, at: Self.now + time, now) != .new, "\(lifetimes) \(time) \(second)")
                    }
                }
            }
        }
    }

    // MARK: Keys

    @Test func `what a retired key held is free in the journal, and its line stays`() throws {
        try Self.withDirectory { directory in
            let (attacker, honest) = (KeyID(value: 5), KeyID(value: 6))
            let names = [attacker: try #require(KeyName("phone")), honest: try #require(KeyName("laptop"))]
            func replayGuard() throws -> ReplayGuard {
                let opened = try ReplayJournal.open(in: directory, slots: 16, now: Self.now)
                opened.journal.note(gap: 0)
                return ReplayGuard(capacity: 16, opened: opened, lifetime: 60, now: Moment(Self.now))
            }
            func admission(_ replayGuard: ReplayGuard, _ number: Int, _ key: KeyID) -> ReplayGuard.Admission {
                replayGuard.admit(Self.token(number), of: Self.now, under: key, now: Moment(Self.now))
            }
            do {
                let first = try replayGuard()
                first.install(names)
                for number in 0..<8 { #expect(admission(first, number, attacker) == .new) }
                #expect(admission(first, 8, attacker) == .full)
                first.install([honest: try #require(KeyName("laptop"))])
                for number in 0..<7 { #expect(admission(first, number, honest) == .new) }
            }
            for round in 0..<3 {
                // The key is in the ring again, as when its file was written by hand.
                let next = try replayGuard()
                next.install(names)
                for number in 0..<8 {
                    #expect(admission(next, number, attacker) == .seen)
                }
                #expect(admission(next, 3, honest) == .seen)
                let later = next.admit(
                    Self.token(100), of: Self.now + 0.001, under: attacker, now: Moment(Self.now + 0.001))
                #expect(later == (round == 0 ? .new : .seen), "made after the last one that was accepted")
            }
        }
    }

    // MARK: Other versions

    /// As 0.1.0 has written it: 64 + 32 bytes.
    private static func former(_ records: [(token: Int, expiry: Double)], gap: Double = 0, lifetime: Double = 60) -> [UInt8] {
        var bytes = Array("wstnseen".utf8)
        bytes.append(integer: UInt32(1))
        bytes.append(integer: UInt32(32))
        bytes.append(integer: UInt64(slots))
        bytes.append(integer: ReplayJournalFormat.word(of: gap, .up))
        bytes.append(integer: ReplayJournalFormat.word(of: lifetime, .down))
        bytes += [UInt8](repeating: 0, count: 24)
        for slot in 0..<slots {
            guard slot < records.count else {
                bytes += [UInt8](repeating: 0, count: 32)
                continue
            }
            let (token, expiry) = (token(records[slot].token), records[slot].expiry)
            for word in [token.high, token.low, expiry.bitPattern] { bytes.append(integer: word) }
            bytes.append(
                integer: ReplayJournalFormatV1.check(token.high, token.low, expiry.bitPattern, slot: slot))
        }
        return bytes
    }

    @Test func `a journal of 0-1-0 is read, and written as ours`() throws {
        try Self.withDirectory { directory in
            let records = (0..<3).map { (token: $0, expiry: Self.now + 60) } + [(token: 3, expiry: Self.now - 1000)]
            try Self.write(Self.former(records, gap: Self.now - 5), in: directory)
            for _ in 0..<2 {
                let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
                #expect(opened.warning == nil && opened.gap == Self.now - 5 && opened.lifetime == 60)
                #expect(opened.longest == 3600, "it does not tell")
                #expect(opened.records.map(\.slot) == [0, 1, 2])
                #expect(opened.forgotten.spans.count == 1)
                #expect(try Self.bytes(in: directory).count == Self.size)
                let replayGuard = ReplayGuard(capacity: Self.slots, opened: opened, lifetime: 60, now: Moment(Self.now))
                for number in 0..<3 { #expect(Self.admits(replayGuard, number) == .seen) }
                let expired = replayGuard.admit(
                    Self.token(3), of: Self.now - 1060, under: Self.key, now: Moment(wall: Self.now - 1060, boot: Self.now))
                #expect(expired != .new)
            }
        }
    }

    @Test func `one of 0-1-0 that does not tell the lifetime is read all the same`() throws {
        try Self.withDirectory { directory in
            let records = [(token: 0, expiry: Self.now + 60)]
            try Self.write(Self.former(records, lifetime: .infinity), in: directory)
            let replayGuard = try Self.replayGuard(directory, slots: Self.slots)
            #expect(Self.admits(replayGuard, 0) == .seen)
            #expect(Self.admits(replayGuard, 1) == .new)
        }
    }

    @Test func `one of 0-1-0 that is damaged is told, and what is left of it is kept`() throws {
        try Self.withDirectory { directory in
            let whole = Self.former((0..<3).map { (token: $0, expiry: Self.now + 60) })
            for index in stride(from: 0, to: whole.count, by: 5) {
                var bytes = whole
                bytes[index] ^= 0x40
                try Self.write(bytes, in: directory)
                do {
                    let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
                    let left = index < 64 ? 0 : index < 160 ? 2 : 3
                    #expect(opened.records.count == left, "\(index)")
                    #expect((opened.warning != nil && opened.gap == .infinity) || index >= 160, "\(index)")
                }
                try Self.write(Array(whole.prefix(index)), in: directory)
                #expect(try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now).gap == .infinity)
            }
        }
    }

    // MARK: While it runs

    @Test func `a journal that is truncated, or removed, is written anew, which is told once`() throws {
        try Self.withDirectory { directory in
            let path = Self.file(in: directory)
            let troubles = Troubles()
            do {
                let replayGuard = try Self.replayGuard(directory, telling: troubles)
                #expect(Self.admits(replayGuard, 0) == .new)
                try Self.write([], in: directory)
                #expect(truncate(path, 0) == 0)
                #expect(Self.admits(replayGuard, 1) == .new)
                for _ in 0..<3 { replayGuard.moveOn(now: Self.now) }
                #expect(troubles.told == [.madeAnew(path: path)])
                #expect(truncate(path, 5000) == 0)
                replayGuard.moveOn(now: Self.now)
                #expect(troubles.told.count == 2)
                #expect(unlink(path) == 0)
                #expect(Self.admits(replayGuard, 2) == .new)
                for _ in 0..<3 { replayGuard.moveOn(now: Self.now) }
                #expect(troubles.told.count == 3)
                // Nothing can be made where a folder is.
                #expect(unlink(path) == 0)
                #expect(mkdir(path, 0o700) == 0)
                for _ in 0..<3 { replayGuard.moveOn(now: Self.now) }
                #expect(troubles.told.count == 4, "a failure is told once")
                #expect(rmdir(path) == 0)
                for _ in 0..<3 { replayGuard.moveOn(now: Self.now) }
                #expect(troubles.told.count == 5 && troubles.told.last == .recovered(path: path))
            }
            let next = try Self.replayGuard(directory, slots: Self.slots)
            for number in 0..<3 { #expect(Self.admits(next, number) == .seen) }
        }
    }

    /// "Another process" was said of a full disk.
    @Test func `a writing that has failed once, and can be made up for, is no doing of another process`() throws {
        try Self.withDirectory { directory in
            let path = Self.file(in: directory)
            let troubles = Troubles()
            do {
                let replayGuard = try Self.replayGuard(directory, telling: troubles)
                let descriptor = try #require(Self.descriptor(of: path))
                let saved = dup(descriptor)
                defer { close(saved) }
                // What is open only for reading cannot be written.
                let readOnly = open(path, O_RDONLY)
                defer { close(readOnly) }
                dup2(readOnly, descriptor)
                #expect(Self.admits(replayGuard, 0) == .new)
                dup2(saved, descriptor)
                for _ in 0..<3 { replayGuard.moveOn(now: Self.now) }
                #expect(troubles.told == [])
                dup2(readOnly, descriptor)
                #expect(Self.admits(replayGuard, 1) == .new)
                replayGuard.moveOn(now: Self.now)
                dup2(saved, descriptor)
                for _ in 0..<3 { replayGuard.moveOn(now: Self.now) }
                let told = troubles.told
                #expect(told.count == 2 && told.last == .recovered(path: path))
            }
            let next = try Self.replayGuard(directory, slots: Self.slots)
            for number in 0..<2 { #expect(Self.admits(next, number) == .seen) }
        }
    }

    /// Of this process, for a file that one thread has.
    private static func descriptor(of path: String) -> Int32? {
        var named = stat()
        guard stat(path, &named) == 0 else { return nil }
        return (0..<4096).first { descriptor in
            var status = stat()
            return fstat(descriptor, &status) == 0 && (status.st_dev, status.st_ino) == (named.st_dev, named.st_ino)
        }
    }

    @Test func `a journal that is moved, replaced or written over is written anew, and told`() throws {
        for spoil: (String) throws -> Void in [
            { path in try FileManager.default.moveItem(atPath: path, toPath: path + ".old") },
            { path in
                try FileManager.default.linkItem(atPath: path, toPath: path + ".link")
                try FileManager.default.removeItem(atPath: path)
            },
            { path in
                try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
                #expect(rename(path + ".copy", path) == 0)
            },
            { path in try Data(repeating: 0x5a, count: 64).write(to: URL(fileURLWithPath: path)) },
            { path in
                let file = try #require(FileHandle(forWritingAtPath: path))
                try file.write(contentsOf: [UInt8](repeating: 0x5a, count: 64))
                try file.close()
            },
            { path in
                let file = try #require(FileHandle(forWritingAtPath: path))
                try file.seekToEnd()
                try file.write(contentsOf: Array("more".utf8))
                try file.close()
            },
        ] {
            try Self.withDirectory { directory in
                let path = Self.file(in: directory)
                let troubles = Troubles()
                do {
                    let replayGuard = try Self.replayGuard(directory, telling: troubles)
                    #expect(Self.admits(replayGuard, 0) == .new)
                    replayGuard.moveOn(now: Self.now)
                    #expect(troubles.told.isEmpty)
                    try spoil(path)
                    #expect(Self.admits(replayGuard, 1) == .new)
                    for _ in 0..<3 { replayGuard.moveOn(now: Self.now) }
                    #expect(troubles.told.count == 1)
                    #expect(Self.admits(replayGuard, 2) == .new)
                }
                let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
                #expect(opened.warning == nil && opened.gap == 0)
                let next = ReplayGuard(capacity: Self.slots, opened: opened, lifetime: 60, now: Moment(Self.now))
                for number in 0..<3 { #expect(Self.admits(next, number) == .seen) }
            }
        }
    }

    /// Nothing is written where the link leads.
    @Test func `a link in the journal's place is told`() throws {
        try Self.withDirectory { directory in
            let path = Self.file(in: directory)
            let troubles = Troubles()
            let replayGuard = try Self.replayGuard(directory, telling: troubles)
            try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".old")
            for _ in 0..<3 { replayGuard.moveOn(now: Self.now) }
            #expect(troubles.told.count == 1)
            #expect(unlink(path) == 0)
            replayGuard.moveOn(now: Self.now)
            #expect(troubles.told.last == .recovered(path: path))
        }
    }

    // MARK: Kills

    /// The kernel looks for a kill between pages, so what lies in one is written at once.
    @Test func `no slot lies in two pages, and none in another`() {
        var end = 4096
        for slot in 0..<ServerLimits.seenRequests {
            let offset = ReplayJournalFormat.offset(ofSlot: slot)
            let last = offset + ReplayJournalFormat.slotSize - 1
            if offset < end || offset / 4096 != last / 4096 { Issue.record("slot \(slot)") }
            end = last + 1
        }
        #expect(end <= ReplayJournalFormat.fileSize(slots: ServerLimits.seenRequests))
        #expect(ReplayJournalFormat.headSize <= 4096)
    }

    // MARK: Damage

    @Test func `a journal that was cut off keeps what is left, and says that it does not know all`() throws {
        try Self.withDirectory { directory in
            let whole = try Self.threeSeen(in: directory)
            for length in Array(0..<400) + Array(4000..<4300) + [whole.count - 1] {
                try Self.write(Array(whole.prefix(length)), in: directory)
                let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
                #expect(opened.gap == .infinity, "\(length)")
                let left = length < ReplayJournalFormat.headSize ? 0 : max(0, min(3, (length - 4096) / 40))
                #expect(opened.records.count == left, "\(length)")
                #expect((opened.warning == nil) == (length == 0), "\(length)")
                // What was in its place is there again, and whole.
                #expect(try Self.bytes(in: directory).count == whole.count)
            }
            try Self.write(whole + [1, 2, 3], in: directory)
            let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
            #expect(opened.records.count == 3 && opened.gap == .infinity)
            #expect(try Self.bytes(in: directory).count == whole.count)
        }
    }

    @Test func `a byte that has changed costs its slot at most, and in the head all, which is told`() throws {
        try Self.withDirectory { directory in
            let whole = try Self.threeSeen(in: directory)
            for index in Array(0..<400) + Array(4090..<(4096 + 8 * 40)) {
                for change in [UInt8(1), 0x80, 0xff] {
                    var bytes = whole
                    bytes[index] ^= change
                    try Self.write(bytes, in: directory)
                    let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
                    let records = opened.records.map(\.slot)
                    switch index {
                    case ..<ReplayJournalFormat.headSize:
                        #expect(records.isEmpty && opened.warning != nil && opened.gap == .infinity, "\(index)")
                    case 4096..<(4096 + 120):
                        #expect(records == [0, 1, 2].filter { $0 != (index - 4096) / 40 }, "\(index)")
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
                (version, "another version (9)"), (size, "264 slots"), (Array("not a journal at all".utf8), "damaged"),
                ([UInt8](repeating: 0x5a, count: 100_000), "damaged"),
            ] {
                try Self.write(bytes, in: directory)
                let opened = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
                #expect(opened.warning?.contains(word) == true)
                #expect(opened.records.isEmpty && opened.gap == .infinity)
                #expect(try Self.bytes(in: directory).count == whole.count)
                #expect(try Self.bytes(in: directory)[4096...].allSatisfy { $0 == 0 })
            }
        }
    }

    @Test func `a gap is known to the next process, and one that was not noted is unknown`() throws {
        try Self.withDirectory { directory in
            for gap in [0.0, 1, Self.now, Self.now + 59] {
                try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now).journal.note(gap: gap)
                #expect(try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now).gap == gap)
            }
            for gap in [Double.nan, .infinity, 1e300, 5e9] {
                #expect(ReplayJournalFormat.word(of: gap, .up) == ReplayJournalFormat.word(of: .infinity, .up))
            }
            try FileManager.default.removeItem(atPath: Self.file(in: directory))
            for _ in 0..<2 { #expect(try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now).gap == .infinity) }
        }
    }

    // MARK: Places

    @Test func `two processes do not have it at once`() throws {
        try Self.withDirectory { directory in
            let first = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
            #expect(throws: ReplayJournal.Failure.inUse(path: Self.file(in: directory))) {
                try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now, patience: .milliseconds(50))
            }
            withExtendedLifetime(first) {}
        }
        try Self.withDirectory { directory in
            do { _ = try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now) }
            #expect(throws: Never.self) { try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now) }
        }
    }

    @Test func `what is no file, or nowhere, is told`() throws {
        try Self.withDirectory { directory in
            #expect(throws: ReplayJournal.Failure.self) {
                try ReplayJournal.open(in: directory + "/nowhere", slots: Self.slots, now: Self.now)
            }
            let path = Self.file(in: directory)
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: directory + "/elsewhere")
            #expect(throws: ReplayJournal.Failure.unusable("\(path) is not a file")) {
                try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
            }
            #expect(!FileManager.default.fileExists(atPath: directory + "/elsewhere"))
            try FileManager.default.removeItem(atPath: path)
            try makeFolder(path)
            #expect(throws: ReplayJournal.Failure.unusable("\(path) is not a file")) {
                try ReplayJournal.open(in: directory, slots: Self.slots, now: Self.now)
            }
        }
    }

    @Test func `room that is not there is an error, not a signal`() throws {
        try Self.withDirectory { directory in
            let file = try ExclusiveFile(directory + "/file", patience: .zero)
            #expect(throws: SystemError.self) { try file.reserve(1 << 60) }
            try file.reserve(4096)
            try file.write([1, 2, 3, 4, 5, 6, 7, 8], at: 4088)
            #expect(try file.read(at: 4088, count: 100) == [1, 2, 3, 4, 5, 6, 7, 8])
        }
    }
}
