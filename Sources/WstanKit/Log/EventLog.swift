import Logging
import Synchronization

/// Everything that is logged, each event in one place: static text and metadata, with reason codes; never keys, never
/// what was decrypted, targets only at `debug`. Nothing at `info` or above for a connection that goes well.
struct EventLog: Sendable {
    private let logger: Logger
    private let throttle: Throttle
    private let gathered: Gathered

    /// Shared by all who log.
    private final class Gathered: Sendable {
        let refusals = Mutex(GatheredRefusals())
        /// What every server on the internet gets, said at `info`: apart, so that it takes nobody's place.
        let noise = Mutex(GatheredRefusals())
    }

    init(_ logger: Logger) {
        self.logger = logger
        throttle = Throttle()
        gathered = Gathered()
    }

    // MARK: Life

    func started(_ text: String) {
        logger.notice("\(text)", metadata: .of(.started))
    }

    /// - Parameter setting: what would say where to listen.
    func listensOnPassed(_ setting: String, _ ignored: [ListenAddress]) {
        let places = ignored.map(\.description).joined(separator: ", ")
        logger.notice("sockets that were passed take the place of \(setting) = \(places), which is not opened")
    }

    func warning(_ text: String) {
        logger.warning("\(text)")
    }

    func certificateRenewed(_ file: String) {
        logger.notice("a new certificate is in use", metadata: .of(.certificateRenewed, ["certificate": "\(file)"]))
    }

    func certificateRefused(_ problem: TLSContext.Problem) {
        logger.warning(
            "the certificate in use stays, since the new one is not usable: \(problem)",
            metadata: .of(.certificateRefused))
    }

    /// - Parameters:
    ///   - changed: settings whose new values are in force.
    ///   - needRestart: settings that have changed and wait for one.
    func reloaded(changed: [String], needRestart: [String]) {
        var metadata: Logger.Metadata = [:]
        if !changed.isEmpty { metadata["changed"] = "\(changed.joined(separator: ", "))" }
        if !needRestart.isEmpty { metadata["need-restart"] = "\(needRestart.joined(separator: ", "))" }
        logger.notice("the configuration was read again", metadata: .of(.reloaded, metadata))
    }

    func notReloaded(_ errors: [String]) {
        logger.error(
            "the configuration was read again and has errors, so nothing was changed", metadata: .of(.reloadFailed))
        for error in errors { logger.error("\(error)") }
    }

    func draining(_ count: Duration) {
        logger.notice("stopping", metadata: ["drain-timeout": "\(count)"])
    }

    func stopped() {
        logger.notice("stopped", metadata: .of(.stopped))
    }

    /// Somebody has called a method of the control socket that changes something.
    func ordered(_ method: String, by process: LocalProcess) {
        let metadata: Logger.Metadata = [
            "method": "\(method)", "uid": "\(process.uid)", "pid": "\(process.pid)",
        ]
        logger.notice(
            "ordered over the control socket", metadata: id(ofMethod: method).map { .of($0, metadata) } ?? metadata)
    }

    private func id(ofMethod name: String) -> MessageID? {
        switch name.split(separator: ".").last {
        case "RotateKey": .keyRotated
        case "RetireKey": .keyRetired
        default: nil
        }
    }

    func orderFailed(_ method: String, by process: LocalProcess, _ error: String) {
        logger.warning(
            "not done, as ordered over the control socket",
            metadata: ["method": "\(method)", "uid": "\(process.uid)", "pid": "\(process.pid)", "error": "\(error)"])
    }

    /// Any user can cause these.
    func orderDenied(_ method: String, to process: LocalProcess, now: Instant) {
        guard let missed = throttle.allows("denied", now: now) else { return }
        logger.warning(
            "a user may not order this over the control socket",
            metadata: [
                "method": "\(method)", "uid": "\(process.uid)", "pid": "\(process.pid)", "repeated": "\(missed)",
            ])
    }

    func acceptPaused(_ error: SystemError, now: Instant) {
        guard let missed = throttle.allows("accept", now: now) else { return }
        logger.warning(
            "accepting pauses: \(error); raise LimitNOFILE= or ulimit -n",
            metadata: .of(.limitReached, ["repeated": "\(missed)"]))
    }

    /// - Parameter isWatched: whether systemd waits for a sign of life.
    func workerHangs(for duration: Duration, isWatched: Bool) {
        logger.error(
            isWatched
                ? "a thread has not turned for \(duration); systemd gets no sign of life until it does"
                : "a thread has not turned for \(duration)",
            metadata: .of(.workerHangs))
    }

    // MARK: Client

    func dialFailed(_ failure: DialFailure, target: Address, now: Instant) {
        logger.debug("no tunnel", metadata: ["target": "\(target)"])
        guard let missed = throttle.allows("dial", now: now) else { return }
        logger.warning("\(failure.text)", metadata: .of(.serverLost, missed > 0 ? ["repeated": "\(missed)"] : [:]))
    }

    /// - Parameter failure: what is wrong with the server that is preferred to all others, where that is known.
    func serverChanged(
        _ change: ServerListMachine.Change, of servers: [ServerEndpoint], _ failure: DialFailure?, now: Instant
    ) {
        switch change {
        case .fellBack(let number):
            guard let missed = throttle.allows("fallback", now: now) else { return }
            let cause = failure?.cause ?? "it does not answer"
            logger.notice(
                "server \(servers[0].address) does not work (\(cause)); now using \(servers[number].address)",
                metadata: .of(.serverLost, missed > 0 ? ["repeated": "\(missed)"] : [:]))
        case .returned(let number):
            guard let missed = throttle.allows("return", now: now) else { return }
            logger.notice(
                "server \(servers[number].address) works again and is used",
                metadata: .of(.serverBack, missed > 0 ? ["repeated": "\(missed)"] : [:]))
        }
    }

    /// Nobody has asked for it, so what stays as it was is not told again.
    func openingAheadFailed(_ failure: DialFailure, isNews: Bool, now: Instant) {
        guard isNews else { return logger.debug("no tunnel opened ahead: \(failure.text)") }
        guard let missed = throttle.allows("dial", now: now) else { return }
        logger.warning("\(failure.text)", metadata: .of(.serverLost, missed > 0 ? ["repeated": "\(missed)"] : [:]))
    }

    /// It may be of another version, so this alone is nothing to worry about.
    func emptyRequestRefused(now: Instant) {
        guard throttle.allows("empty", now: now) != nil else { return }
        logger.info("the server does not open tunnels ahead of need, or key, clock or URI are wrong")
    }

    func connectionOpened(_ tunnel: UInt64, target: Address, isPooled: Bool) {
        logger.debug(
            "connection", metadata: ["tunnel": "\(tunnel)", "target": "\(target)", "pooled": "\(isPooled)"])
    }

    func connectionReset(_ reset: Reset, tunnel: UInt64) {
        guard !reset.isNormal else { return }
        logger.debug(
            "the server ended a connection", metadata: ["tunnel": "\(tunnel)", "broken": "\(reset.isBrokenConnection)"])
    }

    func forwardIsFull(_ target: Address, now: Instant) {
        guard let missed = throttle.allows("forward", now: now) else { return }
        logger.warning(
            "a forward drops datagrams: more sources at once than it opens tunnels for",
            metadata: missed > 0 ? ["repeated": "\(missed)"] : nil)
        logger.debug("dropped datagrams", metadata: ["target": "\(target)"])
    }

    func tunnelLost(_ tunnel: UInt64) {
        logger.info("a tunnel broke with a connection on it", metadata: ["tunnel": "\(tunnel)"])
    }

    /// Somebody may be guessing, or a program may have the wrong password and try it all day.
    func passwordRefused(_ name: [UInt8], peer: String, now: Instant) {
        logger.debug("wrong name or password", metadata: ["name": "\(String(decoding: name, as: UTF8.self))"])
        guard let missed = throttle.allows("password", now: now) else { return }
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        if missed > 0 { metadata["repeated"] = "\(missed)" }
        logger.notice("a user agent is refused: wrong name or password", metadata: metadata)
    }

    /// - Parameter user: nil when it is not known, since the peer is on another host.
    func userRefused(_ user: UInt32?, peer: String, now: Instant) {
        guard let missed = throttle.allows(user == nil ? "stranger" : "user", now: now) else { return }
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        if let user { metadata["uid"] = "\(user)" }
        if missed > 0 { metadata["repeated"] = "\(missed)" }
        let cause: Logger.Message =
            user == nil
            ? "a user agent is refused: allow-uid is set, and of one on another host the user cannot be told"
            : "a user agent is refused: allow-uid does not name its user"
        logger.notice(cause, metadata: metadata)
    }

    func directConnected(_ target: Address) {
        logger.debug("connected without the tunnel", metadata: ["target": "\(target)"])
    }

    func directFailed(_ failure: DirectFailure, target: Address) {
        logger.info("no connection to a direct target", metadata: ["reason": "\(failure.code)"])
        logger.debug("no connection", metadata: ["target": "\(target)"])
    }

    // MARK: Server

    /// Anybody can cause these, so those of one client and minute are gathered.
    ///
    /// - Returns: when `sayGathered` has something to say of it; nil when all has been said.
    func requestRefused(_ refusal: Refusal, peer: ClientAddress, now: Instant) -> Instant? {
        guard logger.logLevel <= level(of: refusal) else { return nil }
        if let later = gather(refusal.code, level(of: refusal), of: peer, now: now) { return later }
        var metadata: Logger.Metadata = ["peer": "\(peer)", "reason": "\(refusal.code)"]
        var text: Logger.Message = "request refused"
        switch refusal {
        case .notARequest, .silent, .timedOut:
            text = "not a request"
        case .wire(.sealedForOtherScheme):
            text = "right key, unreadable request: one end says ws:// and the other wss://, or only one has -z"
        case .wire(.expired(let seconds)):
            text = "request refused: it has expired, or a clock is wrong"
            metadata["client-clock-ahead"] = "\(seconds.rounded())s"
        case .tls:
            text = "no TLS with a peer"
        case .wire, .overLimit, .draining: break
        }
        if let id = id(of: refusal) { metadata = .of(id, metadata) }
        logger.log(level: level(of: refusal), text, metadata: metadata)
        return nil
    }

    /// - Parameter key: of the configuration.
    /// - Returns: as `requestRefused`.
    func targetForbidden(
        _ tunnel: UInt64, _ target: Address, key: String, peer: ClientAddress, now: Instant
    ) -> Instant? {
        logger.debug(
            "forbidden", metadata: ["tunnel": "\(tunnel)", "target": "\(target)", "key": "\(key)"])
        guard logger.logLevel <= .notice else { return nil }
        if let later = gather("forbidden-target by \(key)", .notice, of: peer, now: now) { return later }
        logger.notice(
            "a target was refused by the rules",
            metadata: .of(
                .targetRefused,
                ["tunnel": "\(tunnel)", "peer": "\(peer)", "reason": "forbidden-target", "key": "\(key)"]))
        return nil
    }

    /// - Returns: nil when it is to be said at once.
    private func gather(
        _ reason: String, _ level: Logger.Level, of peer: ClientAddress, now: Instant
    ) -> Instant? {
        sayGathered(upTo: now)
        let source = peer.source
        let action =
            level < .notice
            ? gathered.noise.withLock { $0.refused(reason, of: source, now: now) }
            : gathered.refusals.withLock { $0.refused(reason, of: source, now: now) }
        switch action {
        case .say: return nil
        case .counted(let end): return end
        }
    }

    /// Says what was gathered until the given time; nil: all there is.
    ///
    /// - Returns: when there is next something to be said.
    @discardableResult
    func sayGathered(upTo now: Instant?) -> Instant? {
        let (lines, next) = gathered.refusals.withLock { ($0.takeLines(now: now), $0.nextEnd) }
        let (noise, nextNoise) = gathered.noise.withLock { ($0.takeLines(now: now), $0.nextEnd) }
        for line in lines { say(line, at: .notice) }
        for line in noise { say(line, at: .info) }
        return [next, nextNoise].compactMap(\.self).min()
    }

    private func say(_ line: GatheredRefusals.Line, at level: Logger.Level) {
        let reasons = line.counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        logger.log(
            level: level, "refused again within a minute",
            metadata: [
                "source": "\(line.source?.description ?? "others")",
                "reasons": "\(reasons.joined(separator: ", "))",
            ])
    }

    private func id(of refusal: Refusal) -> MessageID? {
        switch refusal {
        case .wire(.replayed): .replayRefused
        case .wire(.badAuthentication): .wrongKey
        case .overLimit: .limitReached
        case .notARequest, .silent, .timedOut, .tls, .draining, .wire: nil
        }
    }

    private func level(of refusal: Refusal) -> Logger.Level {
        switch refusal {
        case .notARequest, .silent, .timedOut, .tls: .info
        case .wire(.sealedForOtherScheme): .warning
        case .wire, .overLimit, .draining: .notice
        }
    }

    /// Whoever has no key cannot bring this about.
    func seenRequestsFull(now: Instant) {
        guard let missed = throttle.allows("seen-full", every: .seconds(60), now: now) else { return }
        logger.error(
            "no more requests can be remembered, so new tunnels are refused: find the client that opens so many",
            metadata: .of(
                .limitReached, ["limit": "\(ServerLimits.seenRequests)", "refused": "\(missed + 1)"]))
    }

    func marksNotWritten(_ path: String, _ error: SystemError, now: Instant) {
        guard let missed = throttle.allows("marks", every: .seconds(60), now: now) else { return }
        logger.warning(
            "cannot write \(path), so requests could be sent once more after a reboot: \(error)",
            metadata: missed > 0 ? ["repeated": "\(missed)"] : nil)
    }

    func tunnelOpened(_ tunnel: UInt64, peer: ClientAddress) {
        logger.info("tunnel opened", metadata: ["tunnel": "\(tunnel)", "peer": "\(peer)"])
    }

    func tunnelEnded(_ tunnel: UInt64) {
        logger.info("tunnel ended", metadata: ["tunnel": "\(tunnel)"])
    }

    func targetConnected(_ tunnel: UInt64, _ target: Address) {
        logger.debug("connected", metadata: ["tunnel": "\(tunnel)", "target": "\(target)"])
    }

    func targetFailed(_ tunnel: UInt64, _ target: Address, _ failure: Connector.Failure) {
        logger.info("no connection to a target", metadata: ["tunnel": "\(tunnel)", "reason": "\(failure)"])
        logger.debug("no connection", metadata: ["tunnel": "\(tunnel)", "target": "\(target)"])
    }

    // MARK: Both

    /// - Parameter isDirect: without the tunnel.
    func associationEnded(_ traffic: DatagramTraffic, isDirect: Bool = false) {
        logger.debug(
            isDirect ? "an association's direct datagrams ended" : "an association for datagrams ended",
            metadata: ["up": "\(traffic.up)", "down": "\(traffic.down)", "dropped": "\(traffic.dropped)"])
    }

    func tunnelRefused(_ tunnel: UInt64, _ error: WireError, now: Instant) {
        let code = Refusal.wire(error).code
        guard let missed = throttle.allows("tunnel-" + code, now: now) else { return }
        var metadata: Logger.Metadata = ["tunnel": "\(tunnel)", "reason": "\(code)"]
        if missed > 0 { metadata["repeated"] = "\(missed)" }
        logger.notice("a message on a tunnel was refused; the tunnel is closed", metadata: metadata)
    }
}
