import WstanBase

/// The near end of a connection that a tunnel carries, as bytes: a user agent's socket, or a target's. Whatever else bytes come
/// from and go to, a browser's WebSocket or a visitor of a reverse forward, takes this shape, which is a `Stream`'s: reading
/// and writing never wait, and waits end by an event, a deadline or an interruption. Confined to the tunnel's worker.
protocol ByteEnd: AnyObject, Sendable {
    var worker: Worker { get }

    // MARK: From it

    /// Waits until `read` has something to say.
    func waitReadable(deadline: Instant?) async -> Stream.Wake
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Stream.ReadResult
    /// Fills one piece after the other.
    func read(into room: ScatteredRoom) -> Stream.ReadResult
    /// Ends a `waitReadable` that is under way.
    func interruptReader()

    // MARK: To it

    /// Sends, and keeps in order what cannot be sent now. Does nothing once this is gone.
    func write(_ bytes: UnsafeRawBufferPointer)
    /// Bytes that are kept.
    var pendingCount: Int { get }
    /// Waits until nothing is kept. Ends early by `interruptDrain`, and when this is gone.
    func waitDrained(until deadline: Instant?) async
    func interruptDrain()

    /// Ends its input once nothing is kept; what comes from it goes on.
    func finish()

    // MARK: What is known of the other side

    /// For people.
    var peerName: String { get }
    /// When bytes last came from it.
    var lastReceived: Instant { get }
    /// Nothing can be delivered to it.
    var isGone: Bool { get }
    /// It sends nothing more.
    var peerHasFinished: Bool { get }
    /// It is on this host, and its process has closed it.
    var ownerHasLeft: Bool { get }
    /// Called when it has finished or is gone.
    var onPeerGone: (() -> Void)? { get set }
    /// Bytes that were sent and that the other side may not have.
    var unacknowledgedCount: Int { get }
    /// Whether the other side has shown since `time`, when something was sent, that it is there.
    func peerIsAlive(since time: Instant) -> Bool
}

extension ByteEnd {
    func read(into room: ScatteredRoom) -> Stream.ReadResult { read(into: room.first) }

    func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }
}

extension Stream: ByteEnd {
    var peerName: String { remoteAddress?.description ?? "unix" }
}
