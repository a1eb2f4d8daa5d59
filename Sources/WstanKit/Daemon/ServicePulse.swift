/// Tells systemd now and then how it is and, where a watchdog waits for that, that every worker's loop turns. Confined to the
/// main worker.
final class ServicePulse: @unchecked Sendable {
    private let services: Services
    private let worker: Worker
    private let isWatched: Bool
    private let interval: Duration
    private var told = ""

    /// Where nobody watches.
    private static let leisure: Duration = .seconds(10)

    /// - Returns: nil when nobody wants to know.
    init?(of services: Services, on worker: Worker) {
        guard ServiceManager.listens else { return nil }
        self.services = services
        self.worker = worker
        let patience = ServiceManager.watchdogPatience
        isWatched = patience != nil
        interval = patience.map { min($0 / 2, Self.leisure) } ?? Self.leisure
    }

    func start() {
        worker.spawn { [self] in
            while true {
                // It visits every worker, so it comes to nothing when one of them hangs.
                let status = Self.line(await services.snapshot(), isClient: !services.clients.isEmpty)
                if isWatched || status != told { ServiceManager.alive(status, isWatched: isWatched) }
                told = status
                await worker.sleep(for: interval)
            }
        }
    }

    /// For `systemctl status`.
    static func line(_ snapshot: Services.Snapshot, isClient: Bool) -> String {
        let totals = snapshot.totals
        let start = "\(totals.active) tunnels in use, "
        if isClient { return start + "\(snapshot.pool.idle) of \(snapshot.pool.size) idle" }
        let rejects = snapshot.rejects
        let refused = [
            (rejects.replay, "replayed"), (rejects.expired, "expired"), (rejects.badAuthentication, "wrong key"),
            (rejects.malformed, "malformed"), (rejects.forbiddenTarget, "forbidden target"), (rejects.overLimit, "over limit"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return start + "\(totals.idle) idle; refused: " + (refused.isEmpty ? "none" : refused.joined(separator: ", "))
    }
}
