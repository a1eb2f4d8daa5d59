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
        var rejects = Rejects()
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

    /// One for each tunnel that is open, in the order of their numbers.
    func tunnels() async -> [TunnelReport] {
        let parts = await onEach { $0.reports } server: { $0.reports }
        return parts.flatMap { $0 }.sorted { $0.id < $1.id }
    }

    /// - Returns: false when there is none with that number.
    func closeTunnel(_ id: UInt64) async -> Bool {
        let closed = await onEach { $0.closeTunnel(id) } server: { $0.closeTunnel(id) }
        return closed.contains(true)
    }

    // MARK: Keys

    /// Hands out another ring; returns when all have it. A client sends the configured name's current key.
    func take(_ ring: KeyRing) async {
        let sent = ring.current(of: .configured)?.key
        _ = await onEach { client in
            if let sent { client.take(sent) }
        } server: { $0.take(ring) }
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
