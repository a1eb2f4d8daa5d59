import WstanBase
import WstanCore

/// Tells systemd now and then, and when that has changed, how it is and, where a watchdog waits for that, that every worker's loop turns. Confined to the
/// main worker.
final class SystemdHeartbeat: @unchecked Sendable {
    private let services: Services
    private let worker: Worker
    private let rhythm: Rhythm
    private let log: EventLog
    private let tell: (ServiceManager.Message) -> Void
    /// How it is, in one line.
    private let status: (ServiceSnapshot) -> String
    /// What is left of a drain after which it ends; nil while it does not end.
    private let timeLeft: () -> Duration?
    private var told = ""
    /// Whether the state has changed since the last beat, and what waits for that.
    private var hasNews = false
    private var news: Wait<Void>?
    /// News that come sooner than this after a beat wait for it.
    private static let shortest: Duration = .seconds(1)

    struct Rhythm: Equatable, Sendable {
        let interval: Duration
        /// Whether silence means that the process is killed.
        let isWatched: Bool

        /// Where nobody watches.
        private static let leisure: Duration = .seconds(10)

        /// - Parameter patience: of a watchdog: half of it is what sd_watchdog_enabled(3) recommends.
        init(patience: Duration?) {
            isWatched = patience != nil
            interval = patience.map { min($0 / 2, Self.leisure) } ?? Self.leisure
        }

        /// For what comes after a drain, and for a beat that is late.
        private static let allowance: Duration = .seconds(5)

        /// - Parameter left: of the drain.
        /// - Returns: how long a service manager is to wait for the next word. Not for the whole of a long drain: one that hangs
        ///   in it would be waited for.
        func nextWord(left: Duration) -> Duration { min(left, interval * 2) + Self.allowance }
    }

    init(
        of services: Services, on worker: Worker, _ rhythm: Rhythm, log: EventLog,
        status: @escaping (ServiceSnapshot) -> String = { StatusLine($0, state: nil).text },
        timeLeft: @escaping () -> Duration? = { nil },
        tell: @escaping (ServiceManager.Message) -> Void = ServiceManager.tell
    ) {
        self.services = services
        self.worker = worker
        self.rhythm = rhythm
        self.log = log
        self.status = status
        self.timeLeft = timeLeft
        self.tell = tell
    }

    func start() {
        worker.spawn { [self] in
            while true {
                await beat()
                await pause()
            }
        }
    }

    /// Something has changed that the line says, or something else was told in its place: it is not to wait for the next beat.
    func stateChanged() {
        told = ""
        hasNews = true
        news?.fulfill(())
    }

    private func pause() async {
        let began = worker.now
        if !hasNews {
            let wait = Wait<Void>(worker: worker)
            news = wait
            await wait.value(deadline: began + rhythm.interval, onTimeout: (), onCancel: ())
            news = nil
        }
        guard hasNews else { return }
        let rest = began + min(Self.shortest, rhythm.interval) - worker.now
        if rest > .zero { await worker.sleep(for: rest) }
        hasNews = false
    }

    /// It visits every worker, so it comes to nothing while one of them hangs.
    private func beat() async {
        let late = worker.schedule(after: rhythm.interval) { [log, rhythm] in
            log.workerHangs(for: rhythm.interval, isWatched: rhythm.isWatched)
        }
        let snapshot = await services.snapshot()
        worker.cancel(late)
        let line = status(snapshot)
        if rhythm.isWatched {
            tell(.alive(line))
        } else if line != told {
            tell(.status(line))
        }
        told = line
        // Nothing more once the drain is over: an end that hangs is to be ended.
        if let left = timeLeft(), left > .zero { tell(.extending(nextWord: rhythm.nextWord(left: left))) }
    }
}
