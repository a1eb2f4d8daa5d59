import WstanBase

/// A server's answer to a request of version 2 that has held: M2 (protocol-v2.md section 4.5), and what the tunnel is
/// made of.
struct TunnelGreeting {
    /// Of M1; nil for a tunnel that is idle at once.
    let request: RequestV2?
    let agreement: TunnelV2.Agreement
    /// M2 as a frame, which goes out in one write with the 101.
    let frame: [UInt8]

    /// - Parameter now: seconds since the epoch.
    init(_ request: VerifiedRequestV2, by randomness: Randomness, now: Double) {
        let judged = request.judged
        var options = Options()
        options.set(.features, integer: Features.udp.rawValue)
        if let end = request.keyEnd { options.set(.expiry, integer: end.milliseconds) }
        let (reply, chains) = judged.reply(
            at: WireTime(CalendarTime(seconds: now)), options: options, padding: Padding.p2(random: randomness.next()),
            ephemeralKey: .random(count: X25519KeyPair.size))
        frame = FrameHead.frame(.binary, reply.bytes, mask: nil)
        agreement = TunnelV2.Agreement(
            keyID: request.keyID, chains: chains, peerLimit: judged.payload.options.recordLimit)
        self.request = judged.payload.request
    }

    /// What follows M2 where there is no tunnel for the client: BYE, the end of what it has asked for, and a WebSocket
    /// close.
    func farewell(_ code: ResetCode, now: Instant) -> [UInt8] {
        var sealer = RecordSealer(
            Epoch(cipher: agreement.chains.cipher, chain: agreement.chains.serverToClient), now: now)
        var records = [sealer.seal(.bye(Bye(code: code)))]
        // Certainly not served.
        let asks = request.map { $0.type != .park } ?? false
        if asks { records.append(sealer.seal(.reset(ResetV2(connection: 0, code: .draining)))) }
        return records.flatMap { FrameHead.frame(.binary, $0, mask: nil) }
            + FrameHead.close(code: CloseCode.goingAway, mask: nil)
    }
}
