/// Datagrams on a tunnel: it carries one association, which names a target with every datagram.
///
/// Datagrams that one event brings go out in one write behind it, in version 2 in one record. Nothing waits here for longer.
/// What the network does not take at once is dropped, as networks do; the sender counts it.
extension Tunnel {
    /// Requester: the request is on its way already, with the handshake.
    func carry(_ end: any DatagramEnd) {
        if version.ask(nil as AssociationRequest?) { begin(end) }
    }

    /// Requester: asks for an association on an idle tunnel. Python's servers do not take it so.
    func request(_ first: Datagram, time: Double, for end: any DatagramEnd) {
        if version.ask(AssociationRequest(time: time, first: first)) { begin(end) }
    }

    /// - Returns: false when it was dropped: the association is over, or the network is slower than its sender.
    func send(_ datagram: Datagram) -> Bool {
        guard association != nil, version.state == .using, !isClosing,
            stream.pendingCount + version.gatheredCount <= TunnelLimits.pendingDatagrams
        else { return false }
        return version.send(datagram)
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
