import Glibc
import WstanBase
import WstanConfig
import WstanControl
import WstanControlSocket
import WstanCore

/// What there is to say of the daemon, to the control socket and to the service manager. Confined to the main worker.
final class StatusReporter: @unchecked Sendable {
    /// The name of the instance, of a template unit.
    private let instance: String?
    private let context: DaemonContext
    private let services: Services
    private let keys: KeyRingService
    private let reloader: Reloader
    private let listeners: ListenerSet
    private let started = CalendarTime(seconds: WallClock.now())
    var isStopping = false
    /// While it drains, which it does before it ends, too.
    var drain: Drain? {
        didSet { context.statusNews.tell() }
    }
    private var looks = FileLooks()

    struct Drain {
        /// Tells it from one that was asked for earlier.
        var number: UInt64 = 0
        let since: CalendarTime
        /// Until when it waits at most; nil: without a limit.
        let deadline: CalendarTime?
        /// Whether the daemon ends afterwards, and what is left with it.
        let exits: Bool
    }

    init(_ parts: Composition, _ reloader: Reloader, _ listeners: ListenerSet) {
        instance = InstancePlaces.instance(withSocket: parts.configuration.next.controlSocket)
        context = parts.context
        services = parts.services
        keys = parts.keys
        self.reloader = reloader
        self.listeners = listeners
    }

    var state: Control.DaemonState {
        if isStopping { return .stopping }
        if reloader.isReloading { return .reloading }
        return drain != nil ? .draining : .running
    }

    /// Everything, for the control socket.
    func status() async -> GetStatus.Reply {
        await lookAtFiles()
        let snapshot = await services.snapshot()
        let listed = await keys.list()
        let marks = KeyMarks(listed, refusedKeys)
        let ofNames = listed.filter { $0.kind != .server }
        return status(snapshot, keys: ofNames.prefix(ListKeys.pageSize).map(marks.shown), among: ofNames.count)
    }

    /// Keys that are not retired, and open nothing.
    var refusedKeys: RefusedKeys? { RefusedKeys(keys.ring, reloader.settings, now: keys.clock()) }

    /// What a service manager shows: nothing that only some may see.
    ///
    /// - Parameter snapshot: taken just now.
    func concerns(_ snapshot: ServiceSnapshot) -> [Concern] {
        // A file that does not answer must not keep a sign of life back: what is found is told with the next one.
        context.main.spawn { [self] in await lookAtFiles() }
        var status = status(snapshot, keys: [], among: 0).withoutSecrets
        // The status line says it, and warnings are in the journal.
        status.state = .running
        status.warningCount = nil
        return status.concerns(now: Int(CalendarTime(seconds: WallClock.now()).microseconds), isBrief: true)
    }

    /// What clients connect to; nil on a client.
    var clientURI: ClientURI? {
        guard reloader.settings.mode == .server else { return nil }
        return ClientURI(
            reloader.settings, listening: listeners.addresses, certificateNames: certificate?.names ?? [],
            ownAddress: HostAddress.outward())
    }

    private var certificate: ShownCertificate? { services.roles.lazy.compactMap(\.certificate).first }

    /// Where other hosts find no TLS, although the URI says that there is.
    private var withoutTLS: [String] {
        reloader.settings.withoutTLS(among: listeners.addresses).map(\.description)
    }

    private func lookAtFiles() async {
        let (files, reading) = (reloader.files, reloader.readings)
        guard looks.begin(reading, now: context.main.now) else { return }
        let look = await context.blocking.run(for: "status", from: context.main) { files.look() }
        let found: Bool? =
            switch look {
            case .same: false
            case .changed: true
            case .key(let key): !keys.isConfigured(key)
            case nil: nil
            }
        looks.end(reading, found: found, now: context.main.now)
    }

    /// - Parameter count: of all keys of names.
    private func status(_ snapshot: ServiceSnapshot, keys shown: [Control.Key], among count: Int) -> GetStatus.Reply {
        let settings = reloader.settings
        let refused = refusedKeys
        return GetStatus.Reply(
            version: Release.version, mode: settings.mode == .client ? .client : .server, state: state,
            statusText: reloader.place, instance: instance, pid: Int(getpid()),
            startTimestampUSec: Int(started.microseconds),
            configurationLoadTimestampUSec: Int(reloader.loaded.microseconds),
            configurationErrors: reloader.errors.isEmpty ? nil : reloader.errors.map(\.textWithPlace),
            warnings: reloader.warnings.isEmpty ? nil : reloader.warnings,
            listeners: listeners.places.map { .init(name: $0.name, address: $0.place, activated: $0.isPassed) },
            tunnelsActive: snapshot.totals.active, tunnelsTotal: Int(clamping: snapshot.totals.opened),
            bytesReceived: Int(clamping: snapshot.totals.traffic.received),
            bytesSent: Int(clamping: snapshot.totals.traffic.sent),
            drainDeadlineTimestampUSec: (drain?.deadline?.microseconds).map { Int($0) },
            drainStartTimestampUSec: (drain?.since.microseconds).map { Int($0) }, drainExits: drain?.exits,
            pool: pool(snapshot), rejects: snapshot.rejects.map(Control.Rejects.init),
            keys: shown, logLevel: Control.LogLevel(context.threshold.level),
            droppedDatagrams: (snapshot.pool?.droppedDatagrams).map { Int(clamping: $0) },
            servers: servers(snapshot, settings),
            certificate: certificate.map(Control.Certificate.init),
            requiresRestart: reloader.requiresRestart.isEmpty ? nil : reloader.requiresRestart,
            filesChanged: looks.haveChanged(since: reloader.readings),
            reloadFailureTimestampUSec: reloader.failed.map { Int($0.microseconds) },
            warningCount: reloader.warnings.count,
            replacedListen: listeners.replaced.isEmpty ? nil : listeners.replaced.map(\.description),
            withoutTLS: withoutTLS.isEmpty ? nil : withoutTLS,
            trustsFront: withoutTLS.isEmpty ? nil : settings.trustedProxies.hasOtherHosts,
            keyCount: count > ListKeys.pageSize ? count : nil,
            impostors: (snapshot.pool?.impostors).map { Int(clamping: $0) },
            unproven: (snapshot.pool?.unproven).map { Int(clamping: $0) },
            refusedKeys: refused?.names.map(\.text), refusesAllKeys: refused?.areAll)
    }

    private func pool(_ snapshot: ServiceSnapshot) -> Control.Pool {
        if let pool = snapshot.pool { return Control.Pool(pool) }
        return Control.Pool(size: 0, idle: snapshot.totals.idle, opening: 0, hits: 0, misses: 0)
    }

    private func servers(_ snapshot: ServiceSnapshot, _ settings: Settings) -> [Control.Server]? {
        guard settings.mode == .client else { return nil }
        let clock = EventClock()
        return zip(settings.uris, snapshot.servers).map { Control.Server($0, $1, clock) }
    }
}

extension Control.Server {
    init(_ uri: ServerURI, _ report: ServerReport, _ clock: EventClock) {
        self.init(
            uri: uri.description, state: .unknown, used: report.isUsed, trying: report.isTrying,
            lastSuccessTimestampUSec: report.lastSuccess.map(clock.microseconds),
            lastFailureTimestampUSec: report.link.lastFailure.map(clock.microseconds), tunnels: report.tunnels,
            rttUSec: report.roundTrip.map(Int.init(microsecondsOf:)),
            certificateEndTimestampUSec: report.link.certificateEnd.map {
                Int(clamping: CalendarTime(seconds: $0).microseconds)
            },
            carrier: report.carrier.map(Control.Carrier.init), carrierCause: report.carrierChange?.cause,
            keyReplaced: report.link.keyTerm?.isReplaced == true ? true : nil,
            keyEndTimestampUSec: (report.link.keyTerm?.end?.microseconds).map { Int($0) })
        switch report.standing {
        case .reachable(let since):
            state = .reachable
            sinceTimestampUSec = clock.microseconds(of: since)
        case .unknown(let failure):
            tell(failure)
        case .unreachable(let since, let failure):
            state = .unreachable
            sinceTimestampUSec = clock.microseconds(of: since)
            tell(failure)
        }
    }

    private mutating func tell(_ failure: DialFailure?) {
        code = failure?.code
        cause = failure?.brief
        advice = failure?.advice
    }
}

extension DialFailure {
    /// The cause where it stands behind the server's URI.
    fileprivate var brief: String {
        switch self {
        case .unreachable(let failure, _):
            failure.description.prefix(1).lowercased() + failure.description.dropFirst()
        default: cause
        }
    }
}

extension Control.Certificate {
    init(_ shown: ShownCertificate) {
        self.init(
            file: shown.file, names: shown.names,
            endTimestampUSec: shown.end.map { Int(clamping: CalendarTime(seconds: $0).microseconds) },
            mismatchedHost: shown.mismatchedHost, refusal: shown.refusal)
    }
}
