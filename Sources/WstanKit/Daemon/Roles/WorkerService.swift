import WstanBase
import WstanCore

/// The part of a role that one worker has: what the daemon asks of it, whatever the role. Confined to its worker.
protocol WorkerService: AnyObject, Sendable {
    var worker: Worker { get }

    /// Serves a connection that one of the role's listeners has accepted.
    ///
    /// - Parameter destination: where the connection goes if the listener says so; nil: the connection says it.
    func serve(_ arrival: Acceptor.Arrival, to destination: Address?)
    /// Counts a connection that had to leave before anyone served it.
    func closedForRoom()

    // MARK: Reports

    var snapshot: ServiceSnapshot { get }
    /// Those of the open tunnels, in ascending order.
    var tunnelNumbers: [UInt64] { get }
    /// One report for each of these tunnels that is still open.
    func reports(of numbers: ArraySlice<UInt64>) -> [TunnelReport]
    /// - Returns: false when there is no tunnel with that number.
    func closeTunnel(_ id: UInt64) -> Bool

    // MARK: Keys

    /// How often each key was used on this worker.
    var keyUses: [KeyID: KeyUse] { get }
    /// Puts another ring in force; established tunnels go on.
    func install(_ ring: KeyRing)
    /// Closes the tunnels that were opened with a key, whatever they carry.
    ///
    /// - Returns: how many.
    func closeTunnels(openedWith key: KeyID) -> Int

    // MARK: Life

    /// Accepts nothing new; returns when what is in flight has finished, at the deadline, or by `endDrain`.
    func drain(until deadline: Instant?) async
    /// Accepts new connections again.
    func endDrain()
    /// The last thing: resets what has not finished, and sends what is held.
    func close(until deadline: Instant) async
}

/// What services have done so far, and have open now.
struct ServiceSnapshot: Equatable, Sendable {
    var totals = TunnelTotals()
    /// Nil where no service has a pool.
    var pool: PoolReport?
    /// A client's, in the order in which they are preferred.
    var servers: [ServerReport] = []
    /// Nil where no service refuses requests.
    var rejects: RefusalCounts?

    static func + (a: ServiceSnapshot, b: ServiceSnapshot) -> ServiceSnapshot {
        ServiceSnapshot(
            totals: a.totals + b.totals, pool: sum(a.pool, b.pool, +),
            servers: a.servers.isEmpty ? b.servers : b.servers.isEmpty ? a.servers : zip(a.servers, b.servers).map(+),
            rejects: sum(a.rejects, b.rejects, +))
    }

    private static func sum<T>(_ a: T?, _ b: T?, _ add: (T, T) -> T) -> T? {
        guard let a, let b else { return a ?? b }
        return add(a, b)
    }
}
