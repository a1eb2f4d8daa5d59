import Glibc
import Synchronization
import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite(.timeLimit(.minutes(1))) struct SystemdHeartbeatTests {
    /// Blocks the worker whose job waits here.
    private final class Hang: Sendable {
        private let isOver = Atomic(false)

        func wait() {
            while !isOver.load(ordering: .sequentiallyConsistent) { usleep(1000) }
        }

        func end() { isOver.store(true, ordering: .sequentiallyConsistent) }
    }

    /// What systemd was told, and what was logged. Confined to the main worker but for the log.
    private final class Ledger: @unchecked Sendable {
        var messages: [ServiceManager.Message] = []
        var awaited: (count: Int, wait: Wait<Void>)?
        let lines = LogLines()
        var pulse: SystemdHeartbeat?

        var complaints: Int { lines.all.count { $0.id == .workerHangs } }

        func tell(_ message: ServiceManager.Message) {
            messages.append(message)
            if let awaited, messages.count >= awaited.count { awaited.wait.fulfill(()) }
        }

        func reach(_ count: Int, on worker: Worker) async {
            guard messages.count < count else { return }
            let wait = Wait<Void>(worker: worker)
            awaited = (count, wait)
            await wait.value(onTimeout: (), onCancel: ())
        }
    }

    private static func services(_ workers: [Worker], _ log: EventLog) throws -> Services {
        let options = ServerOptions(keys: [Key.random()])
        let shared = ServerShared(replayGuard: ReplayGuard(capacity: 10))
        let resolver = Resolver(pool: BlockingPool(maxThreads: 1))
        let servers = workers.map {
            ServerService(worker: $0, options: options, shared: shared, resolver: resolver, log: log)
        }
        return Services([TestRole(servers)])
    }

    /// Starts a pulse over three workers, the first of which is the test's.
    private static func run(
        patience: Duration?, timeLeft: Duration? = nil,
        _ body: @escaping @Sendable (_ main: Worker, _ others: [Worker], _ ledger: Ledger) async throws -> Void
    ) async throws {
        let others = [try Worker(index: 1, memoryLimit: 1 << 20), try Worker(index: 2, memoryLimit: 1 << 20)]
        for worker in others { worker.start() }
        defer { for worker in others { worker.stop() } }
        try await WorkerThread.run { main in
            let ledger = Ledger()
            let log = ledger.lines.log
            let pulse = SystemdHeartbeat(
                of: try services([main] + others, log), on: main, SystemdHeartbeat.Rhythm(patience: patience), log: log,
                timeLeft: { timeLeft }, tell: ledger.tell)
            ledger.pulse = pulse
            pulse.start()
            try await body(main, others, ledger)
        }
    }

    @Test(arguments: [0, 1])
    func `one worker that hangs silences the watchdog, until it turns again`(hanging: Int) async throws {
        try await Self.run(patience: .milliseconds(20)) { main, others, ledger in
            await ledger.reach(3, on: main)
            let hang = Hang()
            // However the test ends, the worker's thread is not left behind.
            defer { hang.end() }
            let isStuck = Wait<Void>(worker: main)
            others[hanging].execute {
                main.execute { isStuck.fulfill(()) }
                hang.wait()
            }
            await isStuck.value(onTimeout: (), onCancel: ())
            let before = ledger.complaints
            // One that had been asked before may still be told.
            await main.sleep(for: .milliseconds(50))
            let told = ledger.messages.count
            await main.sleep(for: .milliseconds(200))
            #expect(ledger.messages.count == told)
            // Once for this hang, however long it takes; a busy machine may have been late before.
            let complaints = ledger.complaints
            #expect(complaints >= 1 && complaints - before <= 1)
            hang.end()
            await ledger.reach(told + 3, on: main)
            #expect(ledger.messages.last == .alive("0 tunnels in use, 0 idle; refused: none"))
        }
    }

    @Test func `without a watchdog only news are told`() async throws {
        try await Self.run(patience: nil) { main, _, ledger in
            await ledger.reach(1, on: main)
            #expect(ledger.messages == [.status("0 tunnels in use, 0 idle; refused: none")])
        }
    }

    /// The next beat would come after ten seconds.
    @Test func `a change is told at once, and changes at most once a second`() async throws {
        try await Self.run(patience: nil) { main, _, ledger in
            await ledger.reach(1, on: main)
            let began = Instant.now()
            for count in 2...3 {
                for _ in 0..<5 { ledger.pulse?.stateChanged() }
                await ledger.reach(count, on: main)
            }
            let took = Instant.now() - began
            #expect(ledger.messages.count == 3 && took > .milliseconds(1000) && took < .seconds(9), "\(took)")
        }
    }

    @Test func `an end that takes its time asks for more of it with every sign of life`() async throws {
        try await Self.run(patience: .milliseconds(20), timeLeft: .seconds(600)) { main, _, ledger in
            await ledger.reach(6, on: main)
            let line = "0 tunnels in use, 0 idle; refused: none"
            let beat: [ServiceManager.Message] = [.alive(line), .extending(nextWord: .milliseconds(5020))]
            #expect(Array(ledger.messages.prefix(6)) == beat + beat + beat)
        }
    }

    @Test func `an end that is overdue asks for nothing more`() async throws {
        try await Self.run(patience: .milliseconds(20), timeLeft: .zero) { main, _, ledger in
            await ledger.reach(3, on: main)
            #expect(ledger.messages.allSatisfy { if case .alive = $0 { true } else { false } })
        }
    }

    @Test(arguments: [(1, 6), (19, 24), (20, 25), (600, 25), (1 << 40, 25)])
    func `what is asked for reaches beyond the next beat, but not to the end of a long drain`(left: Int, asked: Int) {
        #expect(SystemdHeartbeat.Rhythm(patience: nil).nextWord(left: .seconds(left)) == .seconds(asked))
    }

    @Test(arguments: [(nil, 10_000), (30_000, 10_000), (8000, 4000), (1, 0)] as [(Int?, Int)])
    func `a sign of life comes twice as often as it must`(patience: Int?, interval: Int) {
        let rhythm = SystemdHeartbeat.Rhythm(patience: patience.map { .milliseconds($0) })
        #expect(rhythm.isWatched == (patience != nil))
        #expect(rhythm.interval.wholeNanoseconds / 1_000_000 == UInt64(interval))
    }
}

@Suite struct ServiceManagerTests {
    @Test func `each message is as sd_notify takes it`() {
        #expect(ServiceManager.Message.ready("here").text == "READY=1\nSTATUS=here")
        #expect(
            ServiceManager.Message.reloading(at: Instant(nanoseconds: 12_345_678)).text
                == "RELOADING=1\nMONOTONIC_USEC=12345\nSTATUS=Reloading")
        #expect(
            ServiceManager.Message.stopping(nextWord: .seconds(7)).text
                == "STOPPING=1\nEXTEND_TIMEOUT_USEC=7000000\nSTATUS=Stopping")
        #expect(ServiceManager.Message.extending(nextWord: .milliseconds(25)).text == "EXTEND_TIMEOUT_USEC=25000")
        #expect(ServiceManager.Message.alive("x").text == "WATCHDOG=1\nSTATUS=x")
    }

    /// The status may hold what a configuration says.
    @Test func `a status is one line of a bounded length, and no order of its own`() {
        #expect(ServiceManager.Message.status("a\nREADY=1\u{7}").text == "STATUS=a READY=1 ")
        let long = ServiceManager.Message.status(String(repeating: "\u{1F600}", count: 5000)).text
        #expect(long.utf8.count < 4096)
    }
}

@Suite struct StatusLineTests {
    @Test func `a client tells of its pool, a server of what it refused`() {
        #expect(StatusLine(inUse: 1, idle: 2, poolSize: 16).text == "1 tunnel in use, 2 of 16 idle")
        #expect(StatusLine(inUse: 0, idle: 3).text == "0 tunnels in use, 3 idle; refused: none")
        let rejects = RefusalCounts([.replay: 2, .overLimit: 1, .droppedDatagrams: 3])
        #expect(
            StatusLine(state: "Draining", inUse: 12, idle: 0, rejects: rejects).text
                == "Draining: 12 tunnels in use, 0 idle; refused: 2 replayed, 1 over a limit")
        #expect(
            StatusLine(idle: 0, poolSize: 16, concerns: ["server unreachable for 2min: connection refused"]).text
                == "server unreachable for 2min: connection refused; 0 tunnels in use, 0 of 16 idle")
    }
}
