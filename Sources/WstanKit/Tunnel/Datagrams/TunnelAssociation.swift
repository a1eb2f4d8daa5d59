/// Datagrams on a tunnel: it carries one association, which names a target with every datagram.
///
/// Nothing waits here. What the network does not take at once is dropped, as networks do; whoever sends counts it.
extension Tunnel {
    /// Client: the request is on its way already, in the URI.
    func carry(_ end: any DatagramEnd) {
        guard machine.sentAssociationRequest() else { return }
        beginAssociation(end)
    }

    /// Client: asks for an association on an idle tunnel. Python's servers do not take it so.
    func request(_ first: Datagram, time: Double, for end: any DatagramEnd) {
        guard machine.sentAssociationRequest() else { return }
        beginAssociation(end)
        output.send(AssociationRequest(time: time, first: first))
    }

    /// Server: a request for an association has come, in the URI or as a message.
    func acceptAssociation(first: Datagram) {
        switch machine.receivedAssociationRequest() {
        case .associate:
            guard let end = owner?.tunnelMakesAssociation(self) else { return close(CloseCode.goingAway) }
            beginAssociation(end)
            end.deliver(first)
        case .close(let code):
            close(code)
        }
    }

    /// - Returns: false when it was dropped: the association is over, or the network is slower than its sender.
    func send(_ datagram: Datagram) -> Bool {
        guard machine.state == .associated, !isClosing, stream.pendingCount <= TunnelLimits.pendingDatagrams else {
            return false
        }
        output.send(datagram)
        return true
    }

    /// Server: nobody has used it for long.
    func endAssociation() {
        guard association != nil, machine.ended() == .sendReset else { return }
        association = nil
        sendReset(.normal)
    }

    // MARK: From the peer

    /// What a DGM may be now.
    var datagramRule: Opener.DatagramRule {
        switch machine.state {
        case .associated, .resetting: .bare
        case .connecting, .using: .refused
        case .idle where role == .client: .refused
        case .idle: allowsBareDatagrams ? .requestsOrBare : .requests
        }
    }

    func receive(_ request: AssociationRequest) {
        do {
            try owner?.tunnel(self, mayServeRequestOf: request.time, replayableUnder: opener.nonceOfRequest)
        } catch {
            return refuse(error)
        }
        acceptAssociation(first: request.first)
    }

    func receive(_ datagram: Datagram) {
        // Only where it is allowed: a Python client opens an association like that on a tunnel of its pool.
        if machine.state == .idle { return acceptAssociation(first: datagram) }
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

/// The end of an association on one side of its tunnel: where datagrams come from and go to.
protocol DatagramEnd: AnyObject {
    /// One has come through the tunnel.
    func deliver(_ datagram: Datagram)
    /// The peer has reset the association, or the tunnel is no more.
    func associationEnded()
}
