/// The services of all workers, asked and told together. Each is touched on its own worker only.
struct Services: Sendable {
    var workers: [Worker] = []
    /// As many as there are workers, or none.
    var clients: [ClientService] = []
    var servers: [ServerService] = []

    /// What all of them have done so far, and have open now.
    struct Snapshot: Sendable {
        var totals = TunnelTotals()
        /// A client's.
        var pool = PoolReport()
        /// A server's.
        var rejects = RefusalCounts()
    }

    func snapshot() async -> Snapshot {
        let parts = await onEach { client in
            Snapshot(totals: client.totals, pool: client.poolReport)
        } server: { server in
            Snapshot(totals: server.totals, rejects: server.rejects)
        }
        return parts.reduce(Snapshot()) {
            Snapshot(totals: $0.totals + $1.totals, pool: $0.pool + $1.pool, rejects: $0.rejects + $1.rejects)
        }
    }

    /// Tells of each tunnel that is open, in the order of their numbers, which begin with the worker's.
    ///
    /// A report asks the kernel, so a worker makes only so many of them at a time: what else it has to do comes in between.
    ///
    /// - Parameter take: whether it wants more. Where it runs others have to have their turn as well.
    func tunnels(_ take: ([TunnelReport]) async -> Bool) async {
        for index in workers.indices {
            let numbers = await on(index, client: { $0.tunnelNumbers }, server: { $0.tunnelNumbers }) ?? []
            for start in stride(from: 0, to: numbers.count, by: Self.reportsAtOnce) {
                let some = numbers[start..<min(start + Self.reportsAtOnce, numbers.count)]
                let reports = await on(index, client: { $0.reports(of: some) }, server: { $0.reports(of: some) }) ?? []
                guard await take(reports) else { return }
            }
        }
    }

    private static let reportsAtOnce = 64

    /// - Returns: false when there is none with that number.
    func closeTunnel(_ id: UInt64) async -> Bool {
        let closed = await onEach { $0.closeTunnel(id) } server: { $0.closeTunnel(id) }
        return closed.contains(true)
    }

    // MARK: Keys

    /// Hands out another ring; returns when all have it. A client sends the configured name's current key.
    func install(_ ring: KeyRing) async {
        let sent = ring.current(of: .configured)?.key
        _ = await onEach { client in
            if let sent { client.install(sent) }
        } server: { $0.install(ring) }
    }

    func keyUses() async -> [KeyID: KeyUse] {
        let uses = await onEach { $0.keyUses } server: { $0.keyUses }
        return uses.reduce(into: [:]) { $0.merge($1) { $0 + $1 } }
    }

    /// Ends the tunnels that were opened with a key.
    ///
    /// - Returns: how many.
    func closeTunnels(openedWith key: KeyID) async -> Int {
        let closed = await onEach {
            $0.closeTunnels(openedWith: key)
        } server: {
            $0.closeTunnels(openedWith: key)
        }
        return closed.reduce(0, +)
    }

    // MARK: Life

    /// Nothing new is taken on; ends when what is in flight has finished, at the deadline, or by `endDrain`.
    func drain(until deadline: Instant?) async {
        _ = await onEach { await $0.drain(until: deadline) } server: { await $0.drain(until: deadline) }
    }

    func endDrain() async {
        _ = await onEach { $0.endDrain() } server: { $0.endDrain() }
    }

    /// The last thing: what is held goes out.
    func close(until deadline: Instant) async {
        _ = await onEach { await $0.close(until: deadline) } server: { await $0.close(until: deadline) }
    }

    func each(_ body: @escaping @Sendable (ClientService) -> Void) async {
        _ = await onEach(client: body) { _ in }
    }

    func each(_ body: @escaping @Sendable (ServerService) -> Void) async {
        _ = await onEach(client: { _ in }, server: body)
    }

    /// - Returns: nil where there is no service.
    private func on<T: Sendable>(
        _ index: Int, client: @escaping @Sendable (ClientService) -> T, server: @escaping @Sendable (ServerService) -> T
    ) async -> T? {
        if clients.indices.contains(index) {
            let service = clients[index]
            return await Task(executorPreference: workers[index]) { client(service) }.value
        }
        guard servers.indices.contains(index) else { return nil }
        let service = servers[index]
        return await Task(executorPreference: workers[index]) { server(service) }.value
    }

    private func onEach<T: Sendable>(
        client: @escaping @Sendable (ClientService) async -> T, server: @escaping @Sendable (ServerService) async -> T
    ) async -> [T] {
        let ofClients = zip(workers, clients).map { worker, service in
            Task(executorPreference: worker) { await client(service) }
        }
        let ofServers = zip(workers, servers).map { worker, service in
            Task(executorPreference: worker) { await server(service) }
        }
        var results: [T] = []
        for task in ofClients + ofServers { results.append(await task.value) }
        return results
    }
}
