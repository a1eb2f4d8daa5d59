import WstanBase

/// The client's part of a handshake of version 2, as far as it is spoken to a server: M1 out, the 101 and M2 in.
package struct HandshakeV2 {
    let identity: ClientIdentity
    let carrier: RequestCarrier
    let server: ClientHandshake.Server
    let usesTLS: Bool
    /// With `carrier = auto`.
    let othersAreTried: Bool
    /// For the 101, and again for M2.
    let timeout: Duration
    /// Of the server, whose doctor asks: its request is no use of the user's key.
    private let own: ServerKey?

    package init(
        by identity: ClientIdentity, in carrier: RequestCarrier, othersAreTried: Bool = false,
        to server: ClientHandshake.Server, usesTLS: Bool, timeout: Duration, own: ServerKey? = nil
    ) {
        self.identity = identity
        self.carrier = carrier
        self.othersAreTried = othersAreTried
        self.server = server
        self.usesTLS = usesTLS
        self.timeout = timeout
        self.own = own
    }

    /// - Parameter time: when the request is made, by the server's clock as far as that is known.
    /// - Throws: also why what has answered is not the server; then the connection is to be closed, and nothing else is
    ///   tried.
    func agree(
        on opening: Opening, at time: WireTime, _ intake: inout BufferedReader
    ) async throws(DialFailure) -> (agreement: TunnelV2.Agreement, reply: ReplyPayload) {
        let (stream, worker) = (intake.stream, intake.stream.worker)
        let key = worker.randomness.nonce()
        let options = identity.options(binding: stream.tls?.channelBinding)
        let message = MessageV2(opening)
        let padding = Padding.p1(hasRequest: message.type != .nop, random: worker.randomness.next())
        let ephemeralKey = SecretBytes.random(count: X25519KeyPair.size)
        let ownSalt = own?.ownSalt(for: X25519KeyPair(privateKey: ephemeralKey).publicKey)
        let randomness = ClientHandshakeV2.Randomness(
            salt: ownSalt ?? worker.randomness.nonce().bytes, ephemeralKey: ephemeralKey)
        let handshake = ClientHandshakeV2(
            identity.credentials, at: time, options: options, message: message.encoded(), padding: padding, randomness)
        guard let handshake else { throw .unusableServerKey }
        stream.write(carrier.head(of: handshake.request, asking: server, of: identity.credentials.server, key: key))
        let head = try await intake.readAnswer(deadline: worker.now + timeout)
        if let failure = ClientHandshake.Failure(head, expecting: Base64.encode(Nonce.accept(forKey: key.base64.utf8)))
        {
            var answer = UpgradeAnswer(
                head, body: intake.bytes, failure, to: server, usesTLS: usesTLS, now: WallClock.now())
            answer.carrier = carrier
            answer.othersAreTried = othersAreTried
            throw .refused(answer)
        }
        let reply = try await intake.readReply(deadline: worker.now + timeout)
        let answer: ClientHandshakeV2.Answer
        do throws(ReplyRefusal) { answer = try handshake.open(reply) } catch { throw .impostor(reason: error.code) }
        let said = answer.payload.options
        let agreement = TunnelV2.Agreement(
            keyID: identity.keyID, chains: answer.secrets, peerLimit: said.recordLimit, shape: said.shape)
        if let bye = agreement.farewell(in: intake.bytes) { throw .dismissed(DialFailure.Dismissal(bye)) }
        return (agreement, answer.payload)
    }

    /// What the answer of a server that has proven itself tells.
    package struct Proof: Sendable {
        /// From the request to the proof, which only the server can give.
        package let roundTrip: Duration
        /// By how many seconds the server's clock is ahead.
        package let clockAhead: Double
        package let keyTerm: KeyTerm?
    }

    /// Asks for an idle tunnel, only to see whether one can be had. It is the caller's to end.
    package func tryOut(_ intake: inout BufferedReader) async -> Result<Proof, DialFailure> {
        let (began, asked) = (Instant.now(), WallClock.now())
        do throws(DialFailure) {
            let reply = try await agree(on: .idle(time: asked), at: WireTime(CalendarTime(seconds: asked)), &intake)
                .reply
            let took = Instant.now() - began
            return .success(
                Proof(
                    roundTrip: took,
                    clockAhead: Double(reply.time.milliseconds) / 1000 - asked - took.inSeconds / 2,
                    keyTerm: KeyTerm(reply)))
        } catch {
            return .failure(error)
        }
    }
}

extension Dialer {
    /// The handshake of version 2; see `HandshakeV2`.
    func agree(
        on opening: Opening, by identity: ClientIdentity, in carrier: RequestCarrier, with uplink: Uplink,
        _ intake: inout BufferedReader
    ) async throws(DialFailure) -> (agreement: TunnelV2.Agreement, reply: ReplyPayload) {
        let handshake = HandshakeV2(
            by: identity, in: carrier, othersAreTried: options.carrier == .auto, to: uplink.server.inHTTP,
            usesTLS: uplink.server.usesTLS, timeout: options.handshakeTimeout)
        let asked = WireTime(CalendarTime(seconds: WallClock.now()))
        let agreed: (agreement: TunnelV2.Agreement, reply: ReplyPayload)
        do throws(DialFailure) {
            agreed = try await handshake.agree(on: opening, at: clocks.time(of: uplink.number, asked), &intake)
        } catch {
            // Perhaps because of what was corrected: this host's own clock was near enough when the server told its time.
            clocks.forget(uplink.number)
            throw error
        }
        let answered = WireTime(CalendarTime(seconds: WallClock.now()))
        clocks.told(agreed.reply.time, by: uplink.number, asked: asked, answered: answered)
        return agreed
    }
}

extension TunnelV2.Agreement {
    /// What a server says that has no tunnel for its client (protocol-v2.md section 4.4, step 10): BYE, right behind M2.
    ///
    /// - Parameter bytes: what came behind M2. It is the tunnel's to open, so this looks at a copy.
    fileprivate func farewell(in bytes: [UInt8]) -> Bye? {
        var bytes = bytes
        var frames = FrameReader(role: .client)
        var offset = 0
        return bytes.withUnsafeMutableBytes { bytes in
            guard
                case .payload(let range, isText: false, endsMessage: true)? = try? frames.next(in: bytes, from: &offset)
            else { return nil }
            let record = UnsafeMutableRawBufferPointer(rebasing: bytes[range])
            let opener = RecordOpener(Epoch(cipher: chains.cipher, chain: chains.serverToClient, next: firstRecord))
            guard case .bye(let bye)? = try? opener.open(record) else { return nil }
            return bye
        }
    }
}

/// The clocks of a client's servers, by number. Confined to its worker.
final class ServerClocks: @unchecked Sendable {
    private var clocks: [Int: ServerClock] = [:]

    func told(_ time: WireTime, by server: Int, asked: WireTime, answered: WireTime) {
        clocks[server, default: ServerClock()].told(time, asked: asked, answered: answered)
    }

    func forget(_ server: Int) { clocks[server] = nil }

    func time(of server: Int, _ now: WireTime) -> WireTime { clocks[server]?.time(now) ?? now }
}

extension MessageV2 {
    /// What M1 asks for.
    init(_ opening: Opening) {
        switch opening {
        case .request(let request): self = .request(RequestV2(request))
        case .association(let request): self = .request(RequestV2(request))
        case .idle: self = .nop
        }
    }
}

extension BufferedReader {
    /// Reads M2 behind the 101; what came behind it is in `bytes` then.
    fileprivate mutating func readReply(deadline: Instant) async throws(DialFailure) -> [UInt8] {
        var reader = ReplyReader()
        while true {
            let new = bytes
            bytes = []
            do throws(ReplyReader.Failure) {
                if let (message, rest) = try reader.append(new) {
                    bytes = rest
                    return message
                }
            } catch {
                switch error {
                case .notAReply: throw .impostor(reason: "not-a-reply")
                case .closed: throw .unproven(.closed)
                }
            }
            switch await readMore(deadline: deadline) {
            case .more: break
            case .timedOut: throw .unproven(.timedOut)
            case .over, .reset: throw .unproven(.closed)
            }
        }
    }
}
