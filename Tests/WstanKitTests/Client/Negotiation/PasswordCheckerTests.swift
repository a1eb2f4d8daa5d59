import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct PasswordCheckerTests {
    private static func verifier(
        on worker: Worker, _ shared: PasswordChecks = PasswordChecks(threads: BlockingPool(maxThreads: 4))
    ) throws -> PasswordChecker {
        let text = "anna:\(ConfigUsersFileTests.sha256)\nbert:\(ConfigUsersFileTests.bcrypt)\n"
        return PasswordChecker(worker: worker, users: try UsersFile(Array(text.utf8), path: "u"), shared: shared)
    }

    private static func check(
        _ verifier: PasswordChecker, _ name: String, _ password: String, for client: Party = .user(0)
    ) async -> PasswordChecker.Verdict {
        await verifier.check(Array(name.utf8), Array(password.utf8), for: client)
    }

    @Test func `the right password of the right user is right, also when it is known`() async throws {
        try await WorkerThread.run { worker in
            let verifier = try Self.verifier(on: worker)
            for _ in 0..<2 {
                #expect(await Self.check(verifier, "anna", "open sesame") == .right)
                #expect(await Self.check(verifier, "bert", "open sesame") == .right)
                #expect(await Self.check(verifier, "anna", "open sesam") == .wrong)
                #expect(await Self.check(verifier, "emil", "open sesame") == .wrong)
                #expect(await Self.check(verifier, "", "") == .wrong)
                // What is known is the pair, not its letters.
                #expect(await Self.check(verifier, "annao", "pen sesame") == .wrong)
            }
        }
    }

    @Test func `those who ask the same at once are answered together`() async throws {
        try await WorkerThread.run { worker in
            let verifier = try Self.verifier(on: worker)
            let many = 64
            let verdicts = await withTaskGroup(of: PasswordChecker.Verdict.self) { group in
                for _ in 0..<many { group.addTask { await Self.check(verifier, "anna", "open sesame") } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(verdicts == [PasswordChecker.Verdict](repeating: .right, count: many))
        }
    }

    @Test func `a right password that is new waits for its turn among guesses, of its own client too`() async throws {
        try await WorkerThread.run { worker in
            let verifier = try Self.verifier(on: worker)
            let verdicts = await withTaskGroup(of: PasswordChecker.Verdict.self) { group in
                for number in 0..<20 {
                    group.addTask { await Self.check(verifier, "anna", "guess \(number)", for: .user(1)) }
                }
                for (name, client) in [("anna", 1), ("bert", 1), ("anna", 2)] {
                    group.addTask {
                        let verdict = await Self.check(verifier, name, "open sesame", for: .user(UInt32(client)))
                        #expect(verdict == .right)
                        return verdict
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(verdicts.count { $0 == .wrong } == 20)
            #expect(verdicts.count { $0 == .right } == 3)
        }
    }

    @Test func `a wrong password is told late, whether the name exists or not`() async throws {
        try await WorkerThread.run { worker in
            let verifier = try Self.verifier(on: worker)
            for name in ["anna", "emil"] {
                let began = Instant.now()
                for guess in 0..<3 { #expect(await Self.check(verifier, name, "guess \(guess)", for: .own(name)) == .wrong) }
                let time = Instant.now() - began
                #expect(time > .milliseconds(1750), "\(name)")
            }
        }
    }

    @Test func `one who guesses is as slow on two workers as on one`() async throws {
        let other = try Worker(index: 1, memoryLimit: 1 << 20)
        other.start()
        defer { other.stop() }
        try await WorkerThread.run { worker in
            let shared = PasswordChecks(threads: BlockingPool(maxThreads: 4))
            let verifier = try Self.verifier(on: worker, shared)
            let second = try Self.verifier(on: other, shared)
            let began = Instant.now()
            #expect(await Self.check(verifier, "anna", "guess 0") == .wrong)
            #expect(await other.perform { await Self.check(second, "anna", "guess 1") } == .wrong)
            #expect(await Self.check(verifier, "anna", "guess 2") == .wrong)
            let time = Instant.now() - began
            #expect(time > .milliseconds(1750), "250 ms, 500, 1000")
        }
    }

    @Test func `what nobody waits for any more is not checked`() async throws {
        try await WorkerThread.run { worker in
            let verifier = try Self.verifier(on: worker)
            let verdict = await verifier.check(Array("anna".utf8), Array("open sesame".utf8), for: .user(1), isWanted: { false })
            #expect(verdict == .unknown)
            #expect(await Self.check(verifier, "anna", "open sesame") == .right)
        }
    }

    @Test func `what is remembered is bounded, and the oldest is forgotten first`() {
        let maker = Fingerprint.Maker()
        let all = (0..<10).map { maker.fingerprint(of: [[UInt8($0)]]) }
        var recent = RecentFingerprints(capacity: 3)
        for (number, fingerprint) in all.enumerated() {
            recent.insert(fingerprint)
            recent.insert(fingerprint)
            for (other, known) in all.enumerated() {
                #expect(recent.contains(known) == (other <= number && other > number - 3))
            }
        }
        var none = RecentFingerprints(capacity: 0)
        none.insert(all[0])
        #expect(!none.contains(all[0]))
    }
}
