import Glibc
import WstanBase
import WstanConfig
import WstanControl
import WstanControlSocket
import WstanCore

/// What an administrator can ask of the daemon and have it do, over the control socket. Confined to the main worker.
final class ControlOperations: ControlService, @unchecked Sendable {
    let context: DaemonContext
    private let services: Services
    let keys: KeyRingService
    private let reloader: Reloader
    let reporter: StatusReporter
    /// Ends the daemon; false: at once, whatever is in use.
    private let stop: (_ waits: Bool) -> Void
    private var lastDrain: UInt64 = 0

    private static let drainStep: Duration = .milliseconds(200)
    private static let followStep: Duration = .seconds(1)

    init(_ parts: Composition, _ reloader: Reloader, _ reporter: StatusReporter, stop: @escaping (_ waits: Bool) -> Void) {
        context = parts.context
        services = parts.services
        keys = parts.keys
        self.reloader = reloader
        self.reporter = reporter
        self.stop = stop
    }

    var worker: Worker { context.main }

    // MARK: Status

    func status() async -> GetStatus.Reply { await reporter.status() }

    /// What is in force.
    var settings: Settings { reloader.settings }

    private var isStopping: Bool { reporter.isStopping }

    // MARK: Tunnels

    func listTunnels(
        _ parameters: ListTunnels.Parameters, _ replies: ControlReplies<ListTunnels>
    ) async throws(ControlError) -> ListTunnels.Reply {
        var known: [Int: Control.Tunnel] = [:]
        await tunnels(in: parameters.states) { tunnels in
            for tunnel in tunnels { known[tunnel.id] = tunnel }
            return await replies.send(tunnels.map { ListTunnels.Reply(tunnel: $0, event: .listed) })
        }
        let end = ListTunnels.Reply(event: .synchronized)
        guard parameters.follow == true, await replies.send(end) else { return end }
        while await replies.pause(for: Self.followStep) {
            var current: [Int: Control.Tunnel] = [:]
            let isWanted = await tunnels(in: parameters.states) { tunnels in
                var changes: [ListTunnels.Reply] = []
                for tunnel in tunnels {
                    current[tunnel.id] = tunnel
                    let former = known.removeValue(forKey: tunnel.id)
                    if tunnel == former { continue }
                    changes.append(ListTunnels.Reply(tunnel: tunnel, event: former == nil ? .added : .changed))
                }
                return changes.isEmpty ? true : await replies.send(changes)
            }
            guard isWanted else { return end }
            let gone = known.values.sorted { $0.id < $1.id }.map { ListTunnels.Reply(tunnel: $0, event: .removed) }
            guard await replies.send(gone) else { return end }
            known = current
        }
        return end
    }

    /// - Parameter tell: of some of them at a time; false: of no more.
    /// - Returns: whether it was told of all.
    @discardableResult
    private func tunnels(
        in states: [Control.TunnelState]?, _ tell: ([Control.Tunnel]) async -> Bool
    ) async -> Bool {
        let names = keys.ring.names
        let clock = EventClock()
        var isWanted = true
        await services.tunnels { reports in
            let all = reports.map { Control.Tunnel($0, names: names, clock) }
            isWanted = await tell(all.filter { states?.contains($0.state) ?? true })
            await worker.yield()
            return isWanted
        }
        return isWanted
    }

    func closeTunnel(_ parameters: CloseTunnel.Parameters) async throws(ControlError) -> CloseTunnel.Reply {
        guard let id = UInt64(exactly: parameters.id), await services.closeTunnel(id) else {
            throw .noSuchTunnel(id: parameters.id)
        }
        return CloseTunnel.Reply()
    }

    // MARK: Refusals

    func listRejects(_ parameters: ListRejects.Parameters) async throws(ControlError) -> ListRejects.Reply {
        guard let recent = services.recentRefusals else { throw .wrongState(Control.Mode.client.rawValue) }
        let names = keys.ring.names
        return ListRejects.Reply(
            sinceTimestampUSec: Int(recent.since.microseconds),
            refusals: recent.list(withNoise: parameters.all ?? false).map { Control.Refusal($0, names: names) })
    }

    // MARK: Life

    func drain(
        _ parameters: Drain.Parameters, _ replies: ControlReplies<Drain>
    ) async throws(ControlError) -> Drain.Reply {
        guard !isStopping else { throw .wrongState("stopping") }
        if let timeout = parameters.timeoutUSec, timeout < 0 { throw .invalidParameter("timeoutUSec") }
        let timeout = parameters.timeoutUSec.map { Duration.microseconds($0) }
        lastDrain &+= 1
        let number = lastDrain
        let start = CalendarTime(seconds: WallClock.now())
        reporter.drain = StatusReporter.Drain(
            number: number, since: reporter.drain?.since ?? start, deadline: timeout.map { start + $0 },
            exits: parameters.exit == true)
        let deadline = timeout.map { worker.now + $0 }
        let over = Flag()
        worker.spawn { [self] in
            await services.drain(until: deadline)
            over.isUp = true
            // It may have been taken back, or begun anew with another time.
            guard parameters.exit == true else { return }
            // Whoever waits for it is told first.
            await worker.sleep(for: Self.drainStep * 2)
            guard reporter.drain?.number == number else { return }
            // What is left then has had its time.
            stop(await services.snapshot().totals.active == 0)
        }
        guard replies.wantsMore else { return Drain.Reply(tunnelsActive: await services.snapshot().totals.active) }
        var told: Int?
        while true {
            let count = await services.snapshot().totals.active
            if over.isUp { return Drain.Reply(tunnelsActive: count) }
            if count != told, await !replies.send(Drain.Reply(tunnelsActive: count)) { break }
            told = count
            guard await replies.pause(for: Self.drainStep) else { break }
        }
        return Drain.Reply(tunnelsActive: told ?? 0)
    }

    /// Set by one task and read by another, on the same worker.
    private final class Flag: @unchecked Sendable {
        var isUp = false
    }

    func undrain() async throws(ControlError) -> Undrain.Reply {
        guard reporter.drain != nil, !isStopping else { throw .wrongState(reporter.state.rawValue) }
        reporter.drain = nil
        await services.endDrain()
        return Undrain.Reply()
    }

    func reload(_ parameters: Reload.Parameters) async throws(ControlError) -> Reload.Reply {
        guard !isStopping else { throw .wrongState("stopping") }
        return parameters.dryRun == true ? try await reloader.preview() : try await reloader.reload()
    }

    func setLogLevel(_ parameters: SetLogLevel.Parameters) async throws(ControlError) -> SetLogLevel.Reply {
        let former = context.threshold.level
        context.threshold.level = parameters.level.forLogger
        return SetLogLevel.Reply(former: Control.LogLevel(former))
    }

    func checkConfiguration(
        _ parameters: CheckConfiguration.Parameters
    ) async throws(ControlError) -> CheckConfiguration.Reply {
        let text = parameters.text
        let checked = await context.blocking.run(for: "configuration", from: worker) { [context, ring = keys.ring] in
            Erasure.during { ConfigurationCheck.diagnostics(of: context.arguments.words, text: text, running: ring) }
        }
        guard let found = checked else {
            throw .operationFailed(message: "the threads for files are busy: try again")
        }
        return CheckConfiguration.Reply(diagnostics: found.map(Control.Diagnostic.init))
    }
}
