import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

/// Guards one after the other, as processes have them, on real folders.
@Suite struct ReplayStorageTests {
    private static let key = Key.random().id

    /// A runtime directory, which a reboot empties, and a state directory, which it does not.
    private struct Machine {
        let root = NSTemporaryDirectory() + "wstan-keeping-\(UInt64.random(in: 0 ... .max))"
        var runtime: String { root + "/run" }
        var state: String { root + "/state" }

        init() throws {
            try makeFolder(runtime)
            try makeFolder(state)
        }

        func reboot() throws {
            try FileManager.default.removeItem(atPath: runtime)
            try makeFolder(runtime)
        }

        func open() throws -> (replayGuard: ReplayGuard, told: StartNotes) {
            try ReplayStorage.open(
                runtimeDirectory: runtime, stateDirectory: state, lifetime: .seconds(60), blocking: BlockingPool(),
                log: .silent)
        }

        /// A process that admits, says whether all were new, and has gone.
        func process(
            _ tokens: Range<Int>, of time: Double, worker: Worker, closes: Bool = false
        ) async throws -> [ReplayGuard.Admission] {
            let replayGuard = try open().replayGuard
            var admissions: [ReplayGuard.Admission] = []
            for token in tokens {
                admissions.append(
                    replayGuard.admit(
                        Nonce(high: 5, low: UInt64(token)), of: time, under: key, now: .now()))
                await replayGuard.settle(time, under: key, on: worker)
            }
            if closes { replayGuard.close(now: WallClock.now()) }
            return admissions
        }
    }

    private static func withMachine(_ body: @escaping @Sendable (Machine, Worker) async throws -> Void) async throws {
        let machine = try Machine()
        defer { try? FileManager.default.removeItem(atPath: machine.root) }
        try await WorkerThread.run { worker in try await body(machine, worker) }
    }

    @Test func `a restart refuses what was seen and nothing else, and a reboot all that may have been`() async throws {
        try await Self.withMachine { machine, worker in
            let time = WallClock.now()
            #expect(try machine.open().told.news == [])
            #expect(try await machine.process(0..<3, of: time, worker: worker) == [.new, .new, .new])
            // The mark is ahead by now, and a journal that is whole is all that counts.
            #expect(try machine.open().told.news == [])
            #expect(try await machine.process(2..<4, of: time, worker: worker) == [.seen, .new])

            try machine.reboot()
            // It passes by itself: nothing that a monitor is to show until a reload.
            let told = try machine.open().told
            #expect(told.news.count == 1 && told.news[0].contains("as after a reboot") && told.warnings.isEmpty)
            #expect(try await machine.process(0..<5, of: time, worker: worker).allSatisfy { $0 == .seen })
            // The process before has noted in the new journal that it does not know either.
            #expect(try await machine.process(0..<5, of: time, worker: worker).allSatisfy { $0 == .seen })
            #expect(try await machine.process(5..<6, of: WallClock.now() + 40, worker: worker) == [.new])
        }
    }

    @Test func `after an orderly end and a reboot nobody is kept waiting`() async throws {
        try await Self.withMachine { machine, worker in
            let time = WallClock.now() - 0.5
            #expect(try await machine.process(0..<2, of: time, worker: worker, closes: true) == [.new, .new])
            try machine.reboot()
            #expect(try machine.open().told.news.count <= 1)
            #expect(try await machine.process(0..<2, of: time, worker: worker) == [.seen, .seen])
            // The file has whole seconds.
            #expect(try await machine.process(2..<3, of: time + 1.1, worker: worker) == [.new])
        }
    }

    @Test func `a mark that is damaged is told, and refuses what is older than the start`() async throws {
        try await Self.withMachine { machine, worker in
            let time = WallClock.now()
            let path = machine.state + "/" + ReplayStorage.marksFileName
            try Data("rubbish".utf8).write(to: URL(fileURLWithPath: path))
            #expect(try machine.open().told.news.contains("\(path) is damaged, and is written anew"))
            #expect(try await machine.process(0..<1, of: time, worker: worker) == [.seen])
            #expect(try await machine.process(1..<2, of: WallClock.now() + 1.1, worker: worker) == [.new])
        }
    }

    @Test func `the first of several paths counts`() {
        #expect(ReplayStorage.firstPath(in: nil) == nil)
        #expect(ReplayStorage.firstPath(in: "") == nil)
        #expect(ReplayStorage.firstPath(in: "/run/wstand") == "/run/wstand")
        #expect(ReplayStorage.firstPath(in: "/run/wstand:/run/other") == "/run/wstand")
    }
}
