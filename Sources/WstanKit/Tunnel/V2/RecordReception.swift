import WstanBase

/// What comes from the peer, record by record.
extension TunnelV2 {
    func receive(_ piece: Tunnel.Piece, on tunnel: Tunnel) {
        do throws(Violation) {
            let record = try assembler.take(
                piece.bytes, isText: piece.isText, fragments: piece.fragments, endsMessage: piece.endsMessage)
            tunnel.incomplete = assembler.heldBytes
            guard let record else { return }
            let message = try opener.open(record)
            watch?.openedRecord()
            try receive(message, on: tunnel)
            // What was put together from pieces stays where it is until the next one comes.
            if record.baseAddress != piece.bytes.baseAddress {
                tunnel.deliverCoalesced()
                assembler.release()
            }
        } catch {
            tunnel.breakOff(error)
        }
    }

    private func receive(_ message: MessageV2, on tunnel: Tunnel) throws(Violation) {
        switch message {
        case .data(let bytes):
            if try life.received(.data) == .deliver { deliver(bytes, on: tunnel) }
        case .fin(let bytes): try receive(fin: bytes, on: tunnel)
        case .reset(let reset): receive(reset, on: tunnel)
        case .ok(let body): try receive(ok: body, on: tunnel)
        case .dgram(let datagrams):
            guard try life.received(.dgram) == .deliver else { return }
            deliver(datagrams, on: tunnel)
        case .request(let request): try receive(request, on: tunnel)
        case .ping(let number): duePong = number
        case .pong: tunnel.answered()
        case .bye(let bye):
            life.receivedBye()
            tunnel.owner?.tunnel(tunnel, saidBye: bye)
            if bye.code == .keyRevoked { tunnel.owner?.tunnelKeyIsRevoked(tunnel) }
            if life.isOver { tunnel.close(CloseCode.normal) }
        case .need: try life.receivedNeed()
        // Nothing was made resumable, so nothing is acknowledged or striped.
        case .ack(let acknowledgement): _ = try life.receivedAcknowledgement(of: acknowledgement.connection)
        case .dataAt:
            if try life.received(.dataAt) == .deliver { throw .notOfThisConnection }
        case .packet: _ = try life.received(.packet)
        case .rekey:
            rekeys += 1
            guard rekeys <= TunnelLimits.rekeysAtOnce else { throw .tooManyRekeys }
            // New keys cost as much as some dozens of small records.
            tunnel.endTurn()
        case .nop, .ignorable: break
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, on tunnel: Tunnel) {
        guard !bytes.isEmpty, let connection = tunnel.connection else { return }
        if connection.end == nil, tunnel.role == .acceptor {
            connection.hold(bytes)
        } else {
            tunnel.deliver(UnsafeMutableRawBufferPointer(mutating: bytes))
        }
    }

    func deliver(_ datagrams: DatagramPieces, on tunnel: Tunnel) {
        for piece in datagrams {
            // The one before may have ended the tunnel.
            guard !tunnel.isClosing else { return }
            // A name that no host has leads nowhere: the datagram is lost on the way.
            guard let address = piece.address.target else { continue }
            tunnel.association?.deliver(Datagram(address: address, data: Array(piece.payload)))
        }
    }

    private func receive(fin bytes: UnsafeRawBufferPointer, on tunnel: Tunnel) throws(Violation) {
        guard try life.receivedFin() == .deliver else { return settle(tunnel) }
        deliver(bytes, on: tunnel)
        tunnel.deliverCoalesced()
        let endsBoth = tunnel.connection?.finishInput() ?? true
        if endsBoth { finish(on: tunnel) } else { settle(tunnel) }
    }

    private func receive(_ reset: ResetV2, on tunnel: Tunnel) {
        let wasUp = life.isAnswered
        switch life.receivedReset(of: reset.connection) {
        case .ignore: break
        case .end(let isSignal, let answer):
            tunnel.deliverCoalesced()
            if reset.code == .keyRevoked { tunnel.owner?.tunnelKeyIsRevoked(tunnel) }
            if let answer { output.send(.reset(ResetV2(connection: answer, code: .none))) }
            guard let over = tunnel.takeConnection() else {
                // Another tunnel may be asked at once where the server is about to end.
                if !wasUp, reset.code != .draining { tunnel.takeAssociation()?.associationRefused(reset.code) }
                break
            }
            // Certainly not served: the request may be sent again.
            if reset.code != .draining { over.received() }
            over.ended(Reset(reset, of: over.target, wasUp: wasUp, isSignal: isSignal))
            tunnel.stream.interruptDrain()
        }
        settle(tunnel)
    }

    private func receive(ok body: RequestBody, on tunnel: Tunnel) throws(Violation) {
        guard try life.receivedOK() == .deliver else { return }
        if let code = RequestRules.refusal(ofOK: body) {
            abort(code)
            let reset = ResetV2(connection: life.connection, code: code)
            if let over = tunnel.takeConnection() {
                over.finish(.reset(Reset(reset, of: over.target, wasUp: false, isSignal: false)))
            }
            tunnel.takeAssociation()?.associationEnded()
            settle(tunnel)
            return tunnel.awaitReset()
        }
        guard let connection = tunnel.connection else { return }
        connection.answered()
        body.data.withUnsafeBytes { if !$0.isEmpty { connection.deliver($0) } }
    }
}
