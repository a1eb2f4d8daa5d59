import WstanConfig
import WstanCore

/// What is fixed for the life of the process, and what all its parts work with.
struct DaemonContext: Sendable {
    /// Those that led to the settings, without the program's name: a reload reads them again.
    let arguments: SecretArguments
    /// What the environment says about proxies.
    let environment: ProxyEnvironment
    /// Sockets that a service manager has opened.
    let passed: [PassedSocket]
    let workers: [Worker]
    let blocking = BlockingPool()
    let resolver: Resolver
    let log: EventLog
    let threshold: LogThreshold
    let statusNews = StatusNews()

    /// The worker of the main thread: it accepts connections and receives signals.
    var main: Worker { workers[0] }

    /// - Parameter bufferBudget: in bytes, for the buffers of all workers.
    init(
        _ settings: Settings, arguments: SecretArguments, environment: ProxyEnvironment, passed: [PassedSocket],
        bufferBudget: Int, log: EventLog, threshold: LogThreshold
    ) throws(SystemError) {
        self.arguments = arguments
        self.environment = environment
        self.passed = passed
        self.log = log
        self.threshold = threshold
        resolver = Resolver(pool: blocking)
        let isServer = settings.mode == .server
        let count = settings.threads ?? (isServer ? MachineSize.processors : 1)
        let strangersAtOnce = isServer ? Worker.strangersInTurn : Worker.userAgentsAtOnce
        var workers: [Worker] = []
        for index in 0..<count {
            workers.append(
                try Worker(index: index, memoryLimit: bufferBudget / count, strangersAtOnce: strangersAtOnce))
        }
        self.workers = workers
    }

    /// What a crowd of connections has taken goes back to the system. To be called every few seconds, from the start on.
    func giveBackMemory() {
        _ = blocking.submit(for: "memory") { FreeMemory.giveBack() }
    }

    /// Shares another budget out among the workers.
    func apply(bufferBudget: Int) {
        let share = bufferBudget / workers.count
        for worker in workers { worker.execute { worker.budget.limit = share } }
    }
}
