import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// A server: its services, and what they share: the seen requests, the certificate, and the addresses of this host.
final class ServerRole: Role, @unchecked Sendable {
    let services: [any WorkerService]
    private(set) var told: StartNotes
    private let servers: [ServerService]
    private let context: DaemonContext
    private let replayGuard: ReplayGuard
    private let hostAddresses: HostAddresses
    let limiter: HandshakeLimiter?
    private let watch: CertificateWatch
    /// That clients check the certificate for.
    private var name: String?

    init(
        _ configuration: LoadedConfiguration, _ keys: KeyRingService, _ context: DaemonContext
    ) throws(ReplayStorage.Failure) {
        self.context = context
        name = ShownCertificate.name(by: configuration.next)
        (replayGuard, told) = try Self.openReplayGuard(configuration.next, context)
        replayGuard.apply(configuration.next)
        replayGuard.install(keys.ring.names)
        let shared = ServerShared(
            replayGuard: replayGuard, maxHandshakes: Descriptors.handshakes(configuration.next.maxHandshakes))
        limiter = shared.limiter
        hostAddresses = shared.hostAddresses
        recentRefusals = shared.recentRefusals
        if let failure = shared.hostAddresses.failure {
            told.warnings.append(
                "cannot list the addresses of this host, so its public ones are no private targets: \(failure)")
        }
        var options = ServerOptions(configuration.next, keys: [], workers: context.workers.count)
        options.tls = configuration.certificate?.context
        let servers = context.workers.map { [options] in
            ServerService(worker: $0, options: options, shared: shared, resolver: context.resolver, log: context.log)
        }
        // Before the first connection, which a listener hands over in the same way.
        for server in servers { server.worker.execute { [ring = keys.ring] in server.install(ring) } }
        watch = CertificateWatch(
            of: configuration.certificate, on: context.main, blocking: context.blocking, log: context.log
        ) { tls in
            for server in servers { server.worker.execute { server.renew(tls) } }
        }
        self.servers = servers
        services = servers
    }

    private static func openReplayGuard(
        _ settings: Settings, _ context: DaemonContext
    ) throws(ReplayStorage.Failure) -> (ReplayGuard, told: StartNotes) {
        let variable = getenv("RUNTIME_DIRECTORY").map { String(cString: $0) }
        let runtimeDirectory = ReplayStorage.firstPath(in: variable)
        // Without the journal every restart would look like a reboot, after which much is refused for a while.
        let stateDirectory = runtimeDirectory == nil ? nil : settings.stateDirectory
        return try ReplayStorage.open(
            runtimeDirectory: runtimeDirectory, stateDirectory: stateDirectory, lifetime: settings.requestTTL,
            blocking: context.blocking, log: context.log)
    }

    var forwarder: ClientService? { nil }
    let recentRefusals: RecentRefusals?

    var certificate: ShownCertificate? {
        watch.certificate.map { ShownCertificate($0, for: name, refusal: watch.refusal) }
    }

    func install(_ ring: KeyRing) {
        replayGuard.install(ring.names)
    }

    func setListening(_ addresses: [SocketAddress]) {
        hostAddresses.setListening(addresses)
    }

    func start() {
        watch.start()
        advanceReplayGuard()
        giveBackMemory()
    }

    /// What a flood of strangers has taken.
    private func giveBackMemory() {
        context.giveBackMemory()
        _ = context.main.schedule(after: .seconds(5)) { [self] in giveBackMemory() }
    }

    private func advanceReplayGuard() {
        replayGuard.moveOn(now: WallClock.now())
        _ = context.main.schedule(after: ReplayStorage.interval) { [self] in advanceReplayGuard() }
    }

    func apply(_ configuration: LoadedConfiguration) async {
        name = ShownCertificate.name(by: configuration.next)
        replayGuard.apply(configuration.next)
        // Files that have changed are found by the watch itself.
        if configuration.certificate?.configuration != watch.certificate?.configuration {
            watch.adopt(configuration.certificate)
        }
        limiter?.capacity = Descriptors.handshakes(configuration.next.maxHandshakes)
        let options = ServerOptions(configuration.next, keys: [], workers: context.workers.count)
        let tasks = servers.map { server in server.worker.spawn { server.apply(options) } }
        for task in tasks { await task.value }
    }

    func close() {
        replayGuard.close(now: WallClock.now())
    }
}

extension ReplayGuard {
    fileprivate func apply(_ settings: Settings) {
        apply(lifetime: settings.requestTTL.inSeconds, rate: settings.maxTunnelRate, now: WallClock.now())
    }
}

extension ServerService: WorkerService {
    /// The request on the tunnel names the target.
    func serve(_ arrival: Acceptor.Arrival, to destination: Address?) {
        serve(arrival)
    }

    var snapshot: ServiceSnapshot { ServiceSnapshot(totals: totals, rejects: rejects) }
}
