import Foundation
import Testing
import WstanControl

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

/// State, users and configuration files, damaged in every way that a disk, a crash and an editor know: read by one process, a
/// million times with $WSTAN_LONG_TESTS. Nothing traps, and nothing is kept of what was read.
@Suite struct DamagedStateTests {
    private static let reads = ProcessInfo.processInfo.environment["WSTAN_LONG_TESTS"] == nil ? 7_000 : 1_000_000
    private static let now = 1_763_683_200.0

    /// A file, whole, and what reads it.
    private struct Kind {
        let name: String
        let whole: [UInt8]
        /// The last line is the digest of what stands before it: a damaged body may have a right one.
        var hasChecksum = false
        let read: ([UInt8]) -> Void
    }

    private static func kinds() throws -> [Kind] {
        let key = KeyID(value: 77)
        return [
            Kind(name: "seen-requests", whole: journal(), read: readJournal),
            Kind(name: "replay-marks", whole: ReplayWatermarkCodec.encode([key: now, KeyID(value: 0): 5]), hasChecksum: true) {
                let found = ReplayWatermarkCodec.decode($0)
                _ = ReplayWatermarks(found: found, gap: .infinity, lifetime: 60, now: now).refuses(now, of: key, now: now)
            },
            Kind(name: "keyring", whole: KeyRingCodec.encode(try KeyRingTests.ring()), hasChecksum: true) {
                guard let ring = try? KeyRingCodec.decode($0) else { return }
                _ = (ring.liveKeys, ring.names, ring.nextExpiry)
            },
            Kind(
                name: "key-uses", whole: KeyUseCodec.encode([key: KeyUse(count: 3, last: CalendarTime(seconds: now))]),
                hasChecksum: true
            ) { _ = KeyUseCodec.decode($0) },
            Kind(name: "users", whole: Array("anna:$6$rounds=5000$salt$hash\n# b\nbert:$5$s$h\n".utf8)) {
                _ = try? UsersFile($0, path: "users")
            },
            Kind(name: "key", whole: Array("WY+yKqwlAlxSubNXVLrJsw==\n".utf8)) { _ = try? KeyText(firstLineOf: $0) },
            Kind(name: "wstan.conf", whole: configuration) { bytes in
                if let failure = ConfigFixture(bytes: bytes).failure(), failure.diagnostics.isEmpty {
                    Issue.record("an error without a word")
                }
            },
        ]
    }

    private static let configuration = Array(
        """
        uri = wss://h/a\nkey = k
        [client]\nlisten = [::1]:1, unix:/run/s\nheader = A: b\ndirect = private, 10.0.0.0/8:25
        [server]\ndeny = *.a.example:1-9\nmax-tunnel-rate = 5
        [forward db]\nlisten = a:1\ntarget = [::2]:3\n
        """.utf8)

    private static let slots = 5

    private static func journal() -> [UInt8] {
        var bytes = ReplayJournalFormat.encode(
            ReplayJournalFormat.Head(gap: 0, lifetime: 60, forgotten: ForgottenSpans([1...2, 176_368_310...176_368_319])),
            slots: slots)
        for slot in 0..<slots {
            let content: ReplayRecord.Content =
                slot == 3 ? .retired(176_368_320...176_368_321) : .request(Nonce(high: 1, low: UInt64(slot)))
            let record = ReplayRecord(key: KeyID(value: UInt64(slot / 2)), content: content, time: now, slot: slot)
            bytes += withUnsafeBytes(of: ReplayJournalFormat.encode(record)) { Array($0) }
        }
        return bytes
    }

    private static func readJournal(_ bytes: [UInt8]) {
        var left = ReplayMemory.Inheritance(lifetime: 60)
        let formerLifetime: Double?
        switch ReplayJournalFormat.readHead(bytes, slots: slots) {
        case .good(let head): (left.forgotten, formerLifetime) = (head.forgotten, nil)
        case .former(let head): (left.forgotten, formerLifetime) = (head.forgotten, head.lifetime ?? 60)
        case .unfinished, .ofOtherVersion, .ofOtherSize, .foreign: formerLifetime = bytes.count % 2 == 0 ? 60 : nil
        }
        var reading = ReplayJournalReading(now: now, formerLifetime: formerLifetime)
        Array(bytes.dropFirst(ReplayJournalFormat.headSize)).withUnsafeBytes { reading.read($0, from: 0, count: slots) }
        left.records = reading.records
        var memory = ReplayMemory(capacity: slots, inheriting: left, now: Moment(wall: now, boot: 100))
        _ = memory.install([:])
        _ = memory.admit(Nonce(high: 9, low: 9), under: KeyID(value: 5), madeAt: now, lifetime: 60, now: Moment(wall: now, boot: 100))
    }

    private static func damaged(_ kind: Kind, _ others: [Kind], _ random: inout SeededRandomness) -> [UInt8] {
        var bytes = kind.whole
        if kind.hasChecksum, random.below(2) == 0 {
            return ChecksumLine.append(to: damaged(Array(ChecksumLine.body(of: bytes) ?? []), others, &random))
        }
        bytes = damaged(bytes, others, &random)
        return bytes
    }

    private static func damaged(_ whole: [UInt8], _ others: [Kind], _ random: inout SeededRandomness) -> [UInt8] {
        switch random.below(8) {
        case 0: return Array(whole.prefix(random.below(whole.count + 1)))
        case 1:
            // The beginning of one file and the end of another.
            let other = others[random.below(others.count)].whole
            return Array(whole.prefix(random.below(whole.count + 1))) + other.suffix(random.below(other.count + 1))
        case 2:
            var lines = whole.split(separator: 10, omittingEmptySubsequences: false)
            let (from, to) = (random.below(lines.count), random.below(lines.count))
            if random.below(2) == 0 { lines.insert(lines[from], at: to) } else { lines.swapAt(from, to) }
            return Array(lines.joined(separator: [10]))
        case 3: return random.bytes(random.below(whole.count * 2 + 1))
        case 4:
            // A page that was never written.
            var bytes = whole
            let place = random.below(bytes.count + 1)
            for index in place..<min(bytes.count, place + 64) { bytes[index] = 0 }
            return bytes
        default: return Mutation.of(whole, &random)
        }
    }

    private static func residentKilobytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4
    }

    /// AddressSanitizer keeps what was freed for a while, to find its users.
    private static let isSanitized = ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains { ProcessInfo.processInfo.environment[$0] != nil }

    /// In a process of its own: beside this one, other tests hold memory.
    @Test func `damaged files are read without a trap, and leave nothing behind`() async {
        await #expect(processExitsWith: .success) {
            let grown = try DamagedStateTests.growth(readingDamaged: DamagedStateTests.reads)
            #expect(grown < 16 * 1024 || DamagedStateTests.isSanitized, "\(grown) KB more than after a tenth of the reads")
        }
    }

    /// - Returns: the memory at the end beside that after a tenth of the reads, in kilobytes.
    private static func growth(readingDamaged reads: Int) throws -> Int {
        let kinds = try kinds()
        var random = SeededRandomness(seed: 16)
        var warm = 0
        for count in 0..<reads {
            if count == reads / 10 { warm = try residentKilobytes() }
            // A configuration takes as long to read as all others together.
            let kind = random.below(20) == 0 ? kinds[kinds.count - 1] : kinds[random.below(kinds.count - 1)]
            kind.read(damaged(kind, kinds, &random))
        }
        return try residentKilobytes() - warm
    }
}
