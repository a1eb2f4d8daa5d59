/// Datagrams on a tunnel: it carries one association, which names a target with every datagram.
///
/// Nothing waits here. What the network does not take at once is dropped, as networks do; the sender counts it.
extension Tunnel {
    /// Requester: the request is on its way already, with the handshake.
    func carry(_ end: any DatagramEnd) {
        _ = beginAssociation(end)
    }

    /// Requester: asks for an association on an idle tunnel. Python's servers do not take it so.
    func request(_ first: Datagram, time: Double, for end: any DatagramEnd) {
        guard beginAssociation(end) else { return }
        output.send(AssociationRequest(time: time, first: first))
    }

    /// - Returns: false when it was dropped: the association is over, or the network is slower than its sender.
    func send(_ datagram: Datagram) -> Bool {
        guard machine.state == .associated, !isClosing, stream.pendingCount <= TunnelLimits.pendingDatagrams else {
            return false
        }
        output.send(datagram)
        return true
    }

    /// One has come from the peer.
    func receive(_ datagram: Datagram) {
        switch machine.receivedDatagram() {
        case .deliver: association?.deliver(datagram)
        case .discard: break
        case .close(let code): close(code)
        }
    }
}

/// What an association has carried, and what it has not, as one of its ends saw it.
struct DatagramTraffic: Equatable {
    /// Towards the target.
    var up = 0
    /// Towards the user agent.
    var down = 0
    /// In either direction: no room, nowhere to go, or not from whom they should be.
    var dropped = 0
}
