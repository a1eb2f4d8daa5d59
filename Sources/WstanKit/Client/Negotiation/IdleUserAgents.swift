import WstanBase

/// The user agents' connections on which nothing is under way, kept between two requests or for an association: when the
/// client stops, nothing is lost by ending them. Confined to its worker.
final class IdleUserAgents: @unchecked Sendable {
    private var streams: [ObjectIdentifier: Stream] = [:]
    private let limiter: HandshakeLimiter
    private(set) var areUnwanted = false

    init(limiter: HandshakeLimiter) {
        self.limiter = limiter
    }

    /// Among those that may have to give way, for one that is kept for its next request.
    func place(of stream: Stream) -> HandshakePlace {
        HandshakePlace(limiter.enter(now: stream.worker.now), of: stream, from: stream.party, in: limiter)
    }

    func add(_ stream: Stream) {
        streams[ObjectIdentifier(stream)] = stream
    }

    func remove(_ stream: Stream) {
        streams[ObjectIdentifier(stream)] = nil
    }

    /// Ends them in good order; tasks that wait for their next requests are told that there are none.
    func drain() {
        areUnwanted = true
        for stream in streams.values { stream.closeOrderly(awaitingPeer: true) }
    }

    func endDrain() {
        areUnwanted = false
    }
}

extension Stream {
    /// Whose share a user agent takes of: that of where it is.
    var party: Party { remoteAddress.map { .host(Address($0).host) } ?? "here" }
}
