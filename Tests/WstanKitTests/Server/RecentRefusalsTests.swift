import Testing
import WstanControl

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite struct RecentRefusalsTests {
    private static func entry(
        _ source: Int, _ reason: String = "expired", key: KeyID? = nil, at second: Int
    ) -> RecentRefusals.Entry {
        RecentRefusals.Entry(
            source: "192.0.2.\(source)", reason: reason, text: "\(reason) at \(second)", key: key,
            at: CalendarTime(microseconds: Int64(second)))
    }

    @Test func `one source and cause is one entry, with the first time, the last, and the last text`() {
        var table = RefusalTable()
        for second in [5, 7, 9] { table.add(Self.entry(1, at: second)) }
        table.add(Self.entry(2, at: 8))
        table.add(Self.entry(1, "replayed", at: 6))
        table.add(Self.entry(1, key: Key.random().id, at: 4))
        let entries = table.entries
        #expect(entries.map(\.last.microseconds) == [9, 8, 6, 4])
        #expect(entries.map(\.count) == [3, 1, 1, 1])
        #expect(entries[0].first.microseconds == 5 && entries[0].text == "expired at 9")
    }

    @Test func `the one that was silent for longest makes way, and no more are held`() {
        var table = RefusalTable()
        for source in 0..<RefusalTable.capacity { table.add(Self.entry(source, at: source)) }
        table.add(Self.entry(0, at: 1000))
        for source in 2000..<2010 { table.add(Self.entry(source, at: source)) }
        let entries = table.entries
        #expect(entries.count == RefusalTable.capacity)
        #expect(entries.contains { $0.source == "192.0.2.0" } && !entries.contains { $0.source == "192.0.2.10" })
        #expect(entries.contains { $0.source == "192.0.2.11" })
    }

    @Test func `noise takes no refusal's place`() {
        let recent = RecentRefusals()
        recent.add(Self.entry(1, at: 0))
        for source in 0..<1000 { recent.add(Self.entry(source, "not-a-request", at: source), isNoise: true) }
        #expect(recent.list().map(\.reason) == ["expired"])
        #expect(recent.list(withNoise: true).count == RefusalTable.capacity + 1)
    }

    @Test func `what was seen is said, and nothing else`() {
        let causes: [(Refusal, String)] = [
            (.wire(.expired(seconds: -61.4)), "expired: its time is 61 s behind"),
            (.wire(.expired(seconds: 3600)), "expired: its time is 3600 s ahead"),
            (.wire(.expired(seconds: .nan)), "expired"),
            (.wire(.expired(seconds: .infinity)), "expired"), (.wire(.badAuthentication), "wrong key"),
            (.wire(.replayed), "replayed"), (.notARequest, "not a wstan request"),
        ]
        for (refusal, text) in causes { #expect(refusal.traits.cause == text) }
    }

    /// A client finds itself in `rejects` without `--all`; what no key of the server opens may be anybody's.
    @Test func `what version 2 refuses is listed by a code of its own, once the server's key has opened it`() {
        let ours: [HandshakeRefusal] = [
            .expired(ahead: 61_000), .unknownUser, .replayed, .notAuthentic, .malformed(.padding), .unknownOption(0x8000),
            .noRequest, .noCommonCipher,
        ]
        let recent = RecentRefusals()
        for refusal in ours + [.noCandidate, .encoding, .length, .notOurs] {
            let traits = Refusal.handshake(refusal).traits
            #expect((traits.counter != nil) == refusal.isOfVersion2, "\(refusal)")
            recent.add(Self.entry(1, traits.code, at: 0), isNoise: traits.counter == nil && traits.level < .notice)
        }
        #expect(Set(recent.list().map(\.reason)) == Set(ours.map { Refusal.handshake($0).traits.code }))
        #expect(recent.list().count == ours.count)
    }

    /// Every refusal with a counter, by the word of the counter in status, STATUS=, `rejects` and the manual.
    @Test(arguments: [
        .wire(.malformed), .wire(.tooLarge), .wire(.unexpectedCommand), .wire(.sealedForOtherScheme),
        .wire(.incompleteUpgrade(lacking: [])), .wire(.badAuthentication), .wire(.expired(seconds: 61)), .wire(.replayed),
        .forgotten(seconds: 2), .overLimit(.tunnels), .draining, .keyExpired, .wire(.violation(.padding)),
        .handshake(.unknownUser), .handshake(.notAuthentic), .handshake(.unknownOption(1)), .handshake(.noRequest),
        .handshake(.noCommonCipher),
    ] as [Refusal])
    func `one word stands for a cause wherever it is counted or listed`(refusal: Refusal) throws {
        let traits = refusal.traits
        let word = Control.Rejects.Field(try #require(traits.counter)).label
        #expect(traits.cause.contains(word), "\(traits.cause)")
    }
}
