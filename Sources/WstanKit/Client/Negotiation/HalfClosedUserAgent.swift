import WstanBase

/// A user agent that has sent everything. It may still want the answer. Version 1 cannot tell the server, so there the
/// tunnel is kept until the target is done, or nothing has come for a while. One that is gone frees it at once.
struct HalfClosedUserAgent {
    private let userAgent: Stream
    private let began: Instant

    /// nil when it is gone.
    init?(_ userAgent: Stream) {
        if userAgent.ownerHasLeft { return nil }
        self.userAgent = userAgent
        began = userAgent.worker.now
    }

    /// - Parameters:
    ///   - lastDelivery: when it last got something.
    ///   - targetKnows: the target has been told, and ends by itself.
    func isWorthwhile(since lastDelivery: Instant, targetKnows: Bool = false) -> Bool {
        let worker = userAgent.worker
        let isOpen = userAgent.hasOwner
        if targetKnows { return isOpen != false }
        let silence = worker.now - max(began, lastDelivery)
        let patience = isOpen == nil ? ClientLimits.lingerRemote : ClientLimits.linger
        return isOpen != false && (silence < patience || userAgent.pendingCount > 0)
    }
}
