@testable import WstanBase
@testable import WstanCore

/// A server's memory of requests with its journal and its clock, as far as a test of them needs one.
struct ReplayMachine {
    struct Made: Hashable {
        let key: KeyID
        let token: UInt64
        let time: Double
    }

    /// The file, as the process has written it.
    struct Journal {
        private let slots: Int
        private var head: [UInt8]
        private var body: [UInt8]

        init(slots: Int) {
            self.slots = slots
            head = Array(ReplayJournalFormat.encode(ReplayJournalFormat.Head(gap: 0), slots: slots))
            body = [UInt8](repeating: 0, count: Self.offset(ofSlot: slots))
        }

        /// In the body, which begins with the first slot.
        private static func offset(ofSlot slot: Int) -> Int {
            ReplayJournalFormat.offset(ofSlot: slot) - ReplayJournalFormat.offset(ofSlot: 0)
        }

        mutating func note(_ forgotten: ForgottenSpans, _ lifetime: Double) {
            head = ReplayJournalFormat.encode(
                ReplayJournalFormat.Head(gap: 0, lifetime: lifetime, forgotten: forgotten), slots: slots)
        }

        mutating func write(_ record: ReplayRecord) {
            let offset = Self.offset(ofSlot: record.slot)
            withUnsafeBytes(of: ReplayJournalFormat.encode(record)) {
                body.replaceSubrange(offset..<(offset + $0.count), with: $0)
            }
        }

        func read(now: Double, lifetime: Double) -> ReplayMemory.Inheritance {
            var left = ReplayMemory.Inheritance(lifetime: lifetime)
            if case .good(let head) = ReplayJournalFormat.readHead(head, slots: slots) {
                left.forgotten = head.forgotten
                left.lifetime = max(lifetime, head.lifetime ?? 0)
            }
            var reading = ReplayJournalReading(now: now)
            body.withUnsafeBytes { reading.read($0, from: 0, count: slots) }
            left.records = reading.records
            return left
        }
    }

    /// What a right clock says, and by how much this one is wrong.
    var truth = 1_763_683_200.0
    var error = 0.0
    var boot = 30.0
    /// For how long the clock has been right.
    var right = 0.0
    private(set) var journal: Journal
    private(set) var memory: ReplayMemory
    var names: [KeyID: KeyName] = [:]
    /// `request-ttl`, in seconds.
    var lifetime = 60.0

    private let slots: Int

    init(slots: Int) {
        self.slots = slots
        journal = Journal(slots: slots)
        memory = ReplayMemory(
            capacity: slots, inheriting: journal.read(now: truth, lifetime: lifetime), now: Moment(wall: truth, boot: boot))
    }

    var now: Moment { Moment(wall: truth + error, boot: boot) }

    mutating func pass(_ seconds: Double) {
        truth += seconds
        boot += seconds
        right = error == 0 ? right + seconds : 0
    }

    mutating func set(error next: Double) {
        error = next
        right = 0
    }

    mutating func restart() {
        memory = ReplayMemory(capacity: slots, inheriting: journal.read(now: now.wall, lifetime: lifetime), now: now)
        install()
    }

    mutating func install() {
        for line in memory.install(names) { journal.write(line) }
    }

    /// As `Authentication` and `ReplayGuard` do it.
    mutating func admits(_ made: Made) -> ReplayMemory.Admission? {
        guard abs(now.wall - made.time) <= lifetime else { return nil }
        let admission = memory.admit(
            Nonce(high: 1, low: made.token), under: made.key, madeAt: made.time, lifetime: lifetime, now: now)
        journal.note(memory.forgotten, lifetime)
        if case .new(let slot) = admission {
            journal.write(
                ReplayRecord(
                    key: made.key, content: .request(Nonce(high: 1, low: made.token)), time: made.time, slot: slot))
        }
        return admission
    }
}
