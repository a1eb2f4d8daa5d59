import Logging

/// Everything that is logged, each event in one place: static text and metadata, with reason codes; never keys, never
/// what was decrypted, targets only at `debug`. Nothing at `info` or above for a connection that goes well.
struct EventLog: Sendable {
    private let logger: Logger
    private let throttle: Throttle

    init(_ logger: Logger) {
        self.logger = logger
        throttle = Throttle()
    }

    // MARK: Life

    func started(_ text: String) {
        logger.notice("\(text)")
    }

    func warning(_ text: String) {
        logger.warning("\(text)")
    }

    func draining(_ count: Duration) {
        logger.notice("stopping", metadata: ["drain-timeout": "\(count)"])
    }

    func stopped() {
        logger.notice("stopped")
    }

    func acceptPaused(_ error: SystemError, now: Instant) {
        guard let missed = throttle.allows("accept", now: now) else { return }
        logger.warning(
            "accepting pauses: \(error); raise LimitNOFILE= or ulimit -n", metadata: ["repeated": "\(missed)"])
    }

    // MARK: Client

    func dialFailed(_ failure: DialFailure, target: Address, now: Instant) {
        logger.debug("no tunnel", metadata: ["target": "\(target)"])
        guard let missed = throttle.allows("dial", now: now) else { return }
        logger.warning("\(failure.text)", metadata: missed > 0 ? ["repeated": "\(missed)"] : nil)
    }

    /// Nobody has asked for it, so what stays as it was is not told again.
    func openingAheadFailed(_ failure: DialFailure, isNews: Bool, now: Instant) {
        guard isNews else { return logger.debug("no tunnel opened ahead: \(failure.text)") }
        guard let missed = throttle.allows("dial", now: now) else { return }
        logger.warning("\(failure.text)", metadata: missed > 0 ? ["repeated": "\(missed)"] : nil)
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

    func tunnelLost(_ tunnel: UInt64) {
        logger.info("a tunnel broke with a connection on it", metadata: ["tunnel": "\(tunnel)"])
    }

    // MARK: Server

    /// Anybody can cause these, so each reason is told once a second.
    func requestRefused(_ refusal: Refusal, peer: ClientAddress, now: Instant) {
        guard logger.logLevel <= level(of: refusal), let missed = throttle.allows(refusal.code, now: now) else {
            return
        }
        var metadata: Logger.Metadata = ["peer": "\(peer)", "reason": "\(refusal.code)"]
        if missed > 0 { metadata["repeated"] = "\(missed)" }
        var text: Logger.Message = "request refused"
        switch refusal {
        case .notARequest, .silent, .timedOut:
            text = "not a request"
        case .wire(.sealedForOtherScheme):
            text = "right key, unreadable request: one end says ws:// and the other wss://, or only one has -z"
        case .wire(.expired(let seconds)):
            text = "request refused: it has expired, or a clock is wrong"
            metadata["client-clock-ahead"] = "\(seconds.rounded())s"
        case .wire, .overLimit, .draining: break
        }
        logger.log(level: level(of: refusal), text, metadata: metadata)
    }

    private func level(of refusal: Refusal) -> Logger.Level {
        switch refusal {
        case .notARequest, .silent, .timedOut: .info
        case .wire(.sealedForOtherScheme): .warning
        case .wire, .overLimit, .draining: .notice
        }
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

    func associationEnded(_ traffic: DatagramTraffic) {
        logger.debug(
            "an association for datagrams ended",
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
