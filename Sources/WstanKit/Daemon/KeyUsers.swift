/// The services that work by the key ring, each on its worker.
struct KeyUsers: Sendable {
    var workers: [Worker] = []
    /// As many as there are workers, or none.
    var clients: [ClientService] = []
    var servers: [ServerService] = []

    /// Hands out another ring; returns when all have it.
    func take(_ ring: KeyRing) async {
        let sent = ring.current(of: .configured)?.key
        _ = await onEach { [clients, servers] index in
            if let sent, clients.indices.contains(index) { clients[index].take(sent) }
            if servers.indices.contains(index) { servers[index].take(ring) }
            return true
        }
    }

    /// Summed over all workers.
    func uses() async -> [KeyID: KeyUse] {
        let uses = await onEach { [clients, servers] index in
            if servers.indices.contains(index) { return servers[index].keyUses }
            return clients.indices.contains(index) ? clients[index].keyUses : [:]
        }
        return uses.reduce(into: [:]) { $0.merge($1) { $0 + $1 } }
    }

    /// Ends the tunnels that were opened with a key.
    ///
    /// - Returns: how many.
    func closeTunnels(openedWith key: KeyID) async -> Int {
        let closed = await onEach { [clients, servers] index in
            if servers.indices.contains(index) { return servers[index].closeTunnels(openedWith: key) }
            return clients.indices.contains(index) ? clients[index].closeTunnels(openedWith: key) : 0
        }
        return closed.reduce(0, +)
    }

    private func onEach<T: Sendable>(_ body: @escaping @Sendable (Int) -> T) async -> [T] {
        let tasks = workers.indices.map { index in Task(executorPreference: workers[index]) { body(index) } }
        var results: [T] = []
        for task in tasks { results.append(await task.value) }
        return results
    }
}
