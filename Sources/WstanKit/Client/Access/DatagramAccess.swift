import WstanBase

/// Whose datagrams the client takes. Of a sender on this host the kernel tells the user; it is asked about the first
/// datagram of a sender, and again about those that come a while later. Confined to its worker.
final class DatagramAccess: @unchecked Sendable {
    private struct Arrival: Hashable {
        let sender: SocketAddress
        let port: UInt16
    }

    private let worker: Worker
    private var memory = SenderMemory<Arrival>()

    init(worker: Worker) {
        self.worker = worker
    }

    /// What is known of a sender that was admitted: until when the kernel is not asked again.
    var trustedUntil: Instant { worker.now + SenderMemory<Arrival>.life }

    /// Whether the kernel could tell.
    var canTell: Bool { worker.socketOwner.seesDatagramSockets }

    /// - Parameters:
    ///   - isKnown: whether it was admitted before.
    ///   - refused: called with what the kernel said where it is not that; not with each datagram.
    /// - Returns: whether `isRight` holds of the sender's user.
    func admits(
        _ sender: SocketAddress, at socket: DatagramSocket, isKnown: Bool, _ isRight: (UInt32) -> Bool,
        refused: (SocketOwner.Finding) -> Void
    ) -> Bool {
        let arrival = Arrival(sender: sender, port: socket.address.port)
        guard memory.mayAsk(about: arrival, isKnown: isKnown, now: worker.now) else { return false }
        let finding = socket.owner(of: sender)
        if case .open(let user) = finding, isRight(user) { return true }
        memory.refused(arrival)
        refused(finding)
        return false
    }
}
