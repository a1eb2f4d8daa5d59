/// The user agents' connections on which nothing is under way, kept between two requests or for an association: when the
/// client stops, nothing is lost by ending them. Confined to its worker.
final class IdleUserAgents: @unchecked Sendable {
    private var streams: [ObjectIdentifier: Stream] = [:]
    private(set) var areUnwanted = false

    func add(_ stream: Stream) {
        streams[ObjectIdentifier(stream)] = stream
    }

    func remove(_ stream: Stream) {
        streams[ObjectIdentifier(stream)] = nil
    }

    /// Ends them in good order; whoever waits for their next requests is told that there are none.
    func drain() {
        areUnwanted = true
        for stream in streams.values { stream.closeOrderly(awaitingPeer: true) }
    }

    func endDrain() {
        areUnwanted = false
    }
}
