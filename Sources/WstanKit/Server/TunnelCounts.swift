import Synchronization

/// How many tunnels every client has, over all workers. Asked twice in the life of a tunnel, and only where there is a
/// limit.
final class TunnelCounts: Sendable {
    private let counts = Mutex([ClientAddress.Source: Int]())

    /// - Returns: false when the client has as many as it may have; otherwise it has one more.
    func enter(_ client: ClientAddress.Source, limit: Int) -> Bool {
        counts.withLock { counts in
            let count = counts[client, default: 0]
            guard count < limit else { return false }
            counts[client] = count + 1
            return true
        }
    }

    func leave(_ client: ClientAddress.Source) {
        counts.withLock { counts in
            guard let count = counts[client] else { return }
            counts[client] = count > 1 ? count - 1 : nil
        }
    }

    /// How many clients have any.
    var clients: Int { counts.withLock { $0.count } }
}
