import WstanBase

/// Requests, as a server takes them and as a client makes them.
extension TunnelV2 {
    func receive(_ request: RequestV2, on tunnel: Tunnel) throws(Violation) {
        // A peer that asks, and does not read, would have the answers pile up here.
        guard tunnel.stream.pendingCount <= TunnelLimits.pendingAtRequestV2 else {
            return tunnel.close(CloseCode.badState)
        }
        switch try life.receivedRequest(request.type, TunnelLife.Cargo(of: request)) {
        case .park: refusePark(tunnel)
        case .refuse: refuse(.draining, on: tunnel)
        case .begin: judge(request, on: tunnel)
        }
    }

    /// A server: the request that has come with the handshake, if there was one. Its key has been looked at.
    func begin(with request: RequestV2?, on tunnel: Tunnel) {
        guard let request else { return }
        do throws(Violation) {
            switch try life.receivedRequest(request.type, TunnelLife.Cargo(of: request)) {
            case .park: refusePark(tunnel)
            case .begin, .refuse:
                if let code = refusal(of: request) { return refuse(code, on: tunnel) }
                serve(request, on: tunnel)
            }
        } catch {
            tunnel.breakOff(error)
        }
    }

    /// Section 14.17.
    private func refusePark(_ tunnel: Tunnel) {
        output.send(.bye(Bye(code: .noSuchListener)))
        tunnel.close(CloseCode.normal)
    }

    private func refusal(of request: RequestV2) -> ResetCode? {
        switch rules.refusal(of: request) {
        case .reset(let code), .bye(let code): code
        case nil: nil
        }
    }

    private func refuse(_ code: ResetCode, on tunnel: Tunnel) {
        abort(code)
        settle(tunnel)
        if !life.isIdle { tunnel.awaitReset() }
    }

    private func judge(_ request: RequestV2, on tunnel: Tunnel) {
        guard !isJudging else { return tunnel.close(CloseCode.badState) }
        if let code = refusal(of: request) { return refuse(code, on: tunnel) }
        guard let acceptor = tunnel.acceptor else { return tunnel.close(CloseCode.goingAway) }
        switch acceptor.tunnel(tunnel, admissionOf: RequestStamp()) {
        case .admitted: serve(request, on: tunnel)
        case .refused: refuse(.keyRevoked, on: tunnel)
        case .pending(let verdict): serve(request, if: verdict, on: tunnel)
        }
    }

    /// What follows the request meanwhile is held, as it is for a target that has not answered.
    private func serve(_ request: RequestV2, if verdict: @escaping Admission.Verdict, on tunnel: Tunnel) {
        isJudging = true
        let connection = begin(request, on: tunnel)
        let waiting = WaitingDatagrams(worker: worker)
        if connection == nil { tunnel.begin(waiting) }
        worker.spawn { [self] in
            let error = await verdict()
            isJudging = false
            let isAwaited = connection.map { tunnel.carries($0) } ?? (tunnel.association === waiting)
            guard !tunnel.isClosing, isAwaited else { return }
            guard error == nil else {
                tunnel.takeConnection()?.abandon()
                tunnel.takeAssociation()?.associationEnded()
                return refuse(.keyRevoked, on: tunnel)
            }
            if let connection { return serve(connection, on: tunnel) }
            associate(request, on: tunnel)
            for datagram in waiting.take() { tunnel.association?.deliver(datagram) }
            if !life.isReceiving { tunnel.endAssociation() }
        }
    }

    private func serve(_ request: RequestV2, on tunnel: Tunnel) {
        if let connection = begin(request, on: tunnel) { serve(connection, on: tunnel) } else { associate(request, on: tunnel) }
    }

    /// - Returns: nil when an association is asked for.
    private func begin(_ request: RequestV2, on tunnel: Tunnel) -> Connection? {
        guard request.type != .associate, let target = request.body.address.target else { return nil }
        let connection = Connection(worker: worker, end: nil, to: target)
        connection.hold(request.body.data)
        tunnel.begin(connection)
        return connection
    }

    private func serve(_ connection: Connection, on tunnel: Tunnel) {
        guard let acceptor = tunnel.acceptor, let target = connection.target else { return tunnel.close(CloseCode.goingAway) }
        acceptor.tunnel(tunnel, serve: Request(time: 0, target: target, data: []), as: connection)
    }

    private func associate(_ request: RequestV2, on tunnel: Tunnel) {
        guard let acceptor = tunnel.acceptor else { return tunnel.close(CloseCode.goingAway) }
        guard let end = acceptor.tunnelMakesAssociation(tunnel) else {
            _ = tunnel.takeAssociation()
            return refuse(.failed, on: tunnel)
        }
        guard life.sendOK() else { return }
        output.send(.ok(RequestBody()))
        tunnel.begin(end)
        request.body.data.withUnsafeBytes { bytes in
            if let datagrams = try? DatagramPieces.read(bytes) { deliver(datagrams, on: tunnel) }
        }
    }
}

extension RequestV2 {
    init(_ request: Request) {
        self.init(.connect, RequestBody(address: AddressV2(request.target), data: request.data))
    }

    /// A first datagram that the peer does not take is dropped, as others are.
    ///
    /// - Parameter limit: the longest plaintext.
    init(_ request: AssociationRequest, limit: Int = LimitsV2.plaintext) {
        // No options, and no address.
        var pieces = PieceGatherer(limit: limit - 3)
        _ = pieces.append(AddressV2(request.first.address), request.first.data)
        self.init(.associate, RequestBody(data: pieces.body))
    }
}
