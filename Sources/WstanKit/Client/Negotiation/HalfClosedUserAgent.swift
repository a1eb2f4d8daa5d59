import WstanBase

/// A user agent that has sent everything. It may still want the answer: version 1 cannot tell the server, so the tunnel
/// is kept until the target is done, or nothing has come for a while. One that is gone frees it at once.
struct HalfClosedUserAgent {
    private let userAgent: Stream
    private let began: Instant

    /// nil when it is gone.
    init?(_ userAgent: Stream) {
        if userAgent.ownerHasLeft { return nil }
        self.userAgent = userAgent
        began = userAgent.worker.now
    }

    /// - Parameter lastDelivery: when it last got something.
    func isWorthwhile(since lastDelivery: Instant) -> Bool {
        let worker = userAgent.worker
        let isOpen = userAgent.hasOwner
        let silence = worker.now - max(began, lastDelivery)
        let patience = isOpen == nil ? ClientLimits.lingerRemote : ClientLimits.linger
        return isOpen != false && (silence < patience || userAgent.pendingCount > 0)
    }
}
