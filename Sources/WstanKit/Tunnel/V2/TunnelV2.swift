import WstanBase

/// Version 2 on a tunnel: the driver of `TunnelLife`, which opens what comes, a record at a time, and carries out what
/// it says (protocol-v2.md sections 4.6 to 7.3). Confined to the tunnel's worker.
final class TunnelV2: @unchecked Sendable {
    /// Of the user's key that the tunnel was opened with, and keeps.
    let keyID: KeyID
    var life: TunnelLife
    let output: RecordOutput
    let opener: RecordOpener
    let assembler: RecordAssembler
    let worker: Worker
    let rules = RequestRules()
    /// The number of the latest PING: a flood of them costs nothing.
    var duePong: UInt64?
    /// REKEYs that have come since the peer was last owed nothing.
    var rekeys = 0
    /// A server's.
    var watch: TunnelWatch?
    /// A store elsewhere has the word on a request.
    var isJudging = false
    /// After a BYE.
    private var farewell: Timers.ID?
    /// Requests up to which the owner knows that both ends are done.
    private var settled: UInt64 = 0

    /// What a handshake has agreed on.
    struct Agreement {
        let keyID: KeyID
        let chains: TunnelChains
        /// The longest plaintext that the peer takes.
        var peerLimit = LimitsV2.plaintext
        var shape: TrafficShape?
        /// Where both directions begin to count records. A test of an epoch's end begins close to it.
        var firstRecord: UInt64 = 0
    }

    init(_ role: TunnelRole, _ agreement: Agreement, frames: FrameOutput) {
        let (chains, first) = (agreement.chains, agreement.firstRecord)
        let isClient = role == .requester
        let sending = isClient ? chains.clientToServer : chains.serverToClient
        let receiving = isClient ? chains.serverToClient : chains.clientToServer
        let hmac = HMAC()
        keyID = agreement.keyID
        worker = frames.stream.worker
        life = TunnelLife(isClient ? .client : .server)
        output = RecordOutput(
            frames, epoch: Epoch(cipher: chains.cipher, chain: sending, next: first, by: hmac),
            limit: agreement.peerLimit, shape: agreement.shape)
        opener = RecordOpener(Epoch(cipher: chains.cipher, chain: receiving, next: first, by: hmac))
        assembler = RecordAssembler(limit: opener.mostBytes)
        if !isClient { watch = TunnelWatch(worker: worker) }
    }

    var state: TunnelReport.State {
        if life.isIdle { return .idle }
        if life.isAborted { return .resetting }
        return life.side == .client || life.isAnswered ? .using : .connecting
    }

    // MARK: The tunnel's life

    func start(on tunnel: Tunnel) {
        watch?.start { [weak self, weak tunnel] due in
            guard let self, let tunnel, !tunnel.isClosing else { return }
            switch due {
            case .ping: sendPing()
            case .unproven: tunnel.breakOff()
            case .life: retire(.draining, on: tunnel)
            }
        }
    }

    func stop() {
        watch?.stop()
        if let farewell { worker.cancel(farewell) }
        farewell = nil
    }

    /// No new requests here: the peer closes the tunnel as soon as nothing is open.
    func retire(_ code: ResetCode, on tunnel: Tunnel) {
        guard !life.isDraining, !tunnel.isClosing else { return }
        life.sendBye()
        output.send(.bye(Bye(code: code)))
        closeIfUnused(tunnel)
    }

    /// A peer that has been told BYE gets a moment to close by itself: a request of its own may be on its way.
    private func closeIfUnused(_ tunnel: Tunnel) {
        guard life.isDraining, life.isIdle, farewell == nil else { return }
        farewell = worker.schedule(after: TunnelLimits.farewell) { [weak self, weak tunnel] in
            guard let self, let tunnel else { return }
            farewell = nil
            if life.isIdle { tunnel.close(CloseCode.goingAway) }
        }
    }

    func sendPing() {
        output.send(.ping(worker.randomness.next()))
    }

    func sendDue() {
        rekeys = 0
        guard let number = duePong else { return }
        duePong = nil
        output.send(.pong(number))
    }

    // MARK: Connections

    /// - Parameter request: nil when it is on its way already, with the handshake.
    /// - Returns: false when the tunnel is not free.
    func ask(_ request: Request?) -> Bool {
        guard life.sendRequest(.stream) else { return false }
        if let request { output.send(.request(RequestV2(request))) }
        return true
    }

    /// - Parameter request: nil when it is on its way already, with the handshake.
    /// - Returns: false when the tunnel is not free.
    func ask(_ request: AssociationRequest?) -> Bool {
        guard life.sendRequest(.datagrams) else { return false }
        if let request { output.send(.request(RequestV2(request, limit: output.limit))) }
        return true
    }

    /// - Returns: false when the connection was given up meanwhile.
    func connectedTarget() -> Bool {
        guard life.sendOK() else { return false }
        output.send(.ok(RequestBody()))
        return true
    }

    /// The near end has sent everything and takes more.
    func finish(on tunnel: Tunnel) {
        sendFin()
        settle(tunnel)
    }

    private func sendFin() {
        if let fin = fin() { output.send(fin) }
    }

    /// - Returns: nil where our segment has ended, or has no end yet.
    private func fin() -> MessageV2? {
        life.sendFin() ? .fin(UnsafeRawBufferPointer(start: nil, count: 0)) : nil
    }

    /// The near end is done. One that has ended in good order is gone: FIN and, where the peer's segment is open, the
    /// signal behind it.
    func end(_ reset: Reset, on tunnel: Tunnel) {
        let code = reset.codeToTell
        let last = code == .none ? fin() : nil
        output.send([last, self.reset(code, reset.textToTell)].compactMap { $0 })
        settle(tunnel)
        if !life.isIdle { tunnel.awaitReset() }
    }

    func abort(_ code: ResetCode, _ text: String = "") {
        if let reset = reset(code, text) { output.send(reset) }
    }

    /// - Returns: nil when nothing is left to abort.
    private func reset(_ code: ResetCode, _ text: String) -> MessageV2? {
        life.abort().map { .reset(ResetV2(connection: $0, code: code, text: text)) }
    }

    /// To be called when a segment may have ended.
    func settle(_ tunnel: Tunnel) {
        guard life.isIdle, life.started != settled else { return }
        settled = life.started
        if let over = tunnel.takeConnection() {
            over.finish(.reset(.normal))
            tunnel.stream.interruptDrain()
        }
        tunnel.takeAssociation()?.associationEnded()
        output.rekeyWhenIdle()
        guard !life.isOver else { return tunnel.close(CloseCode.normal) }
        closeIfUnused(tunnel)
        tunnel.becomeIdle()
    }

    /// - Returns: false when it was dropped.
    func send(_ datagram: Datagram) -> Bool {
        life.maySend(.dgram) && output.gather(datagram)
    }
}
