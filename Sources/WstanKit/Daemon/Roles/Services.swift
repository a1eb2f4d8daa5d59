import WstanBase
import WstanCore

/// The services of all roles on all workers, asked and told together. Each is touched on its own worker only.
struct Services: Sendable {
    /// The first one's listeners are open.
    let roles: [any Role]
    /// What a listener hands connections to, by the index of the worker.
    private let serving: [any WorkerService]
    /// In the order of their workers.
    private let all: [any WorkerService]

    init(_ roles: [any Role] = []) {
        self.roles = roles
        serving = roles.first?.services ?? []
        all = roles.flatMap { $0.services }.sorted { $0.worker.index < $1.worker.index }
    }

    /// On the main worker.
    func serve(_ arrival: Acceptor.Arrival, to destination: Address?) {
        let service = serving[arrival.worker.index]
        if arrival.worker.isCurrent {
            service.serve(arrival, to: destination)
        } else {
            arrival.worker.execute { service.serve(arrival, to: destination) }
        }
    }

    /// On the main worker: a connection had to leave before anyone served it.
    func closedForRoom() {
        serving.first { $0.worker.isCurrent }?.closedForRoom()
    }

    /// Puts another configuration in force; returns when every service works by it.
    func apply(_ configuration: LoadedConfiguration) async {
        for role in roles { await role.apply(configuration) }
    }

    // MARK: Reports

    func snapshot() async -> ServiceSnapshot {
        await onEach { $0.snapshot }.reduce(ServiceSnapshot(), +)
    }

    /// Tells of each tunnel that is open, in the order of their numbers.
    ///
    /// A report asks the kernel, so a worker makes only so many of them at a time: what else it has to do comes in between.
    ///
    /// - Parameter take: whether it wants more. Where it runs others have to have their turn as well.
    func tunnels(_ take: ([TunnelReport]) async -> Bool) async {
        let numbers = await onEach { $0.tunnelNumbers }
        // Numbers are given in turn, so neighbours may be on different workers.
        let places = numbers.indices.flatMap { place in numbers[place].map { (number: $0, place: place) } }
            .sorted { $0.number < $1.number }
        for start in stride(from: 0, to: places.count, by: Self.reportsAtOnce) {
            let some = Dictionary(grouping: places[start..<min(start + Self.reportsAtOnce, places.count)], by: \.place)
            var reports: [TunnelReport] = []
            for (place, wanted) in some {
                let numbers = wanted.map(\.number)
                reports += await on(all[place]) { $0.reports(of: numbers[...]) }
            }
            guard await take(reports.sorted { $0.id < $1.id }) else { return }
        }
    }

    private static let reportsAtOnce = 64

    /// - Returns: false when there is no tunnel with that number.
    func closeTunnel(_ id: UInt64) async -> Bool {
        await onEach { $0.closeTunnel(id) }.contains(true)
    }

    var recentRefusals: RecentRefusals? { roles.lazy.compactMap { $0.recentRefusals }.first }

    // MARK: Keys

    /// Hands out another ring; returns when all have it.
    func install(_ ring: KeyRing) async {
        for role in roles { role.install(ring) }
        await onEach { $0.install(ring) }
    }

    func keyUses() async -> [KeyID: KeyUse] {
        await onEach { $0.keyUses }.reduce(into: [:]) { $0.merge($1) { $0 + $1 } }
    }

    /// Closes the tunnels that were opened with a key.
    ///
    /// - Returns: how many.
    func closeTunnels(openedWith key: KeyID) async -> Int {
        await onEach { $0.closeTunnels(openedWith: key) }.reduce(0, +)
    }

    // MARK: Life

    /// Accepts nothing new; ends when what is in flight has finished, at the deadline, or by `endDrain`.
    func drain(until deadline: Instant?) async {
        await onEach { await $0.drain(until: deadline) }
    }

    func endDrain() async {
        await onEach { $0.endDrain() }
    }

    /// The last thing: what has not finished is reset, and what is held goes out.
    func close(until deadline: Instant) async {
        await onEach { await $0.close(until: deadline) }
    }

    // MARK: On their workers

    private func on<T: Sendable>(
        _ service: any WorkerService, _ body: @escaping @Sendable (any WorkerService) async -> T
    ) async -> T {
        await Task(executorPreference: service.worker) { await body(service) }.value
    }

    /// At once on all of them.
    @discardableResult
    private func onEach<T: Sendable>(_ body: @escaping @Sendable (any WorkerService) async -> T) async -> [T] {
        let tasks = all.map { service in Task(executorPreference: service.worker) { await body(service) } }
        var results: [T] = []
        for task in tasks { results.append(await task.value) }
        return results
    }
}
