import WstanBase

/// Accepts connections at the server: reads what a connection sends first, and admits it as a tunnel or gives it the plain answer.
/// Confined to its worker.
final class TunnelAcceptor: @unchecked Sendable {
    /// A connection whose request has held, and that has had its 101.
    struct Accepted {
        let stream: Stream
        let content: Content
        /// The client, also behind a front.
        let client: ClientAddress
        /// What came behind the request.
        let rest: [UInt8]

        enum Content {
            case v1(VerifiedRequest)
            case v2(TunnelGreeting)
        }
    }

    /// A request that has held, by whichever version.
    private indirect enum Verified {
        case v1(VerifiedRequest)
        /// - Parameter farewell: what a client that has proven itself is told at once, since there is no tunnel for it.
        case v2(VerifiedRequestV2, farewell: ResetCode?)
    }

    /// Says why no tunnel can be admitted at the moment; nil when one can.
    var closedBecause: () -> Refusal? = { nil }
    /// Asked last, of the client and the key of a request that has held: says by which limit it is refused.
    var makeRoom: (ClientAddress, KeyID) -> Refusal? = { _, _ in nil }

    private let worker: Worker
    private var options: ServerOptions
    private let authentication: Authentication
    /// Of all that have not authenticated yet.
    private var places: [ObjectIdentifier: HandshakePlace] = [:]
    private let recorder: RefusalRecorder
    private var tls: TLSServerContext?

    init(worker: Worker, options: ServerOptions, authentication: Authentication, recorder: RefusalRecorder) {
        self.worker = worker
        self.options = options
        self.authentication = authentication
        self.recorder = recorder
        tls = options.tls
        worker.budget.whenHeadsOverflow = { [unowned self] in
            while self.worker.budget.headsOverflow, closeGreatest() {}
        }
    }

    /// Connections to come are shown another certificate; with none TLS is not spoken here.
    func renew(_ tls: TLSServerContext?) {
        self.tls = tls
    }

    /// - Parameter place: of the connection among those that are bounded; it keeps it until it is a tunnel, or gone.
    /// - Returns: nil when the connection has been refused, or has left.
    func accept(_ stream: Stream, from peer: Peer, at place: HandshakePlace?) async -> Accepted? {
        if let place {
            places[ObjectIdentifier(place)] = place
            place.whenLeft = { [unowned self] in places[ObjectIdentifier(place)] = nil }
        }
        var intake = BufferedReader(stream, at: place)
        var client = ClientAddress(peer)
        var key: KeyID?
        let verdict = await authenticate(&intake, &client, &key)
        stream.heldHead = 0
        return answer(verdict, intake, client, key, place)
    }

    /// Not inlined, or a connection would hold room for all of this while it is silent.
    @inline(never)
    private func answer(
        _ verdict: Result<Verified, Refusal>, _ intake: BufferedReader, _ client: ClientAddress, _ key: KeyID?,
        _ place: HandshakePlace?
    ) -> Accepted? {
        let stream = intake.stream
        switch verdict {
        case .success(.v1(let request)):
            place?.leave()
            stream.write(answer(request.accept))
            return Accepted(stream: stream, content: .v1(request), client: client, rest: intake.bytes)
        case .success(.v2(let request, let farewell)):
            let greeting = TunnelGreeting(request, by: worker.randomness, now: WallClock.now())
            guard let farewell else {
                place?.leave()
                stream.write(answer(request.accept) + greeting.frame)
                return Accepted(stream: stream, content: .v2(greeting), client: client, rest: intake.bytes)
            }
            stream.write(answer(request.accept) + greeting.frame + greeting.farewell(farewell, now: worker.now))
            close(stream)
            place?.wait(for: .end)
        case .failure(.silent):
            stream.close()
        case .failure(let refusal):
            refuse(stream, refusal, client, key, isHead: intake.startsWithHEAD)
            // It counts until it is gone, or a flood of such would take every descriptor.
            place?.wait(for: .end)
        }
        return nil
    }

    private func answer(_ accept: String) -> [UInt8] {
        let date = HTTPDate.format(Int64(WallClock.now()))
        return WebSocketHandshake.response(accept: accept, server: ServerLimits.serverName, date: date)
    }

    /// The certificate is no part of it: see `renew`.
    func apply(_ options: ServerOptions) {
        self.options = options
    }

    /// Closes whatever has not authenticated yet.
    func closeAll() {
        for place in places.values { place.stream.close() }
    }

    /// For want of memory: closes the connection whose head takes most of it, for as long as it has done so.
    ///
    /// - Returns: false when there is none.
    private func closeGreatest() -> Bool {
        let greatest = places.values.max { $0.weight(at: worker.now) < $1.weight(at: worker.now) }
        guard let greatest, greatest.stream.heldHead > 0 else { return false }
        greatest.stream.close()
        recorder.closedForRoom(in: .memory)
        return true
    }

    private func refuse(
        _ stream: Stream, _ refusal: Refusal, _ client: ClientAddress, _ key: KeyID?, isHead: Bool
    ) {
        guard !stream.isClosed else { return }
        recorder.refused(refusal, of: client, with: key)
        // Whoever speaks no TLS gets no words either, only the alert that TLS has for it.
        guard tls == nil || stream.tls?.isEstablished == true else { return close(stream) }
        let answer = refusal.isBusy ? PlainAnswer.busy : PlainAnswer(options.plainAnswer.status)
        stream.write(answer.bytes(now: WallClock.now(), withBody: !isHead))
        close(stream)
    }

    private func close(_ stream: Stream) {
        stream.closeOrderly(awaitingPeer: true, discarding: ServerLimits.discardedFromStrangers)
    }

    /// - Parameters:
    ///   - client: becomes the one whom a trusted front names, as soon as that is known.
    ///   - key: becomes that of the request, even if it is refused.
    private func authenticate(
        _ intake: inout BufferedReader, _ client: inout ClientAddress, _ key: inout KeyID?
    ) async -> Result<Verified, Refusal> {
        let deadline = worker.now + options.handshakeTimeout
        do throws(Refusal) {
            if options.proxyProtocol, options.trustedProxies.contains(client.host) {
                client = try await proxiedClient(&intake, deadline) ?? client
            }
            if let tls { try await shakeHands(&intake, tls, deadline) }
            let head = try await head(&intake, deadline)
            // A front that is reached through another one names that one in its PROXY header.
            let isTrusted = options.trustedProxies.contains(client.host)
            if options.xForward, isTrusted {
                client = ForwardedFor.client(in: head, trusting: options.trustedProxies) ?? client
            }
            let isIgnored = options.xForward && !isTrusted && ForwardedFor.isNamed(in: head)
            guard let asked = ServerHandshake.Request(head) else { throw .notARequest }
            let verified: Verified
            if let judged = try judge(asked, intake.stream, &key) {
                verified = try await admit(judged, asked, of: client, intake, &key)
            } else {
                verified = try await admit(asked, of: client, intake, deadline, &key)
            }
            if isIgnored { recorder.ignoredForwardedFor(of: client) }
            return .success(verified)
        } catch {
            return .failure(error)
        }
    }

    /// Version 2 comes first. What it does not know may be version 1's.
    private func judge(
        _ request: ServerHandshake.Request, _ stream: Stream, _ key: inout KeyID?
    ) throws(Refusal) -> JudgedRequest? {
        switch authentication.judge(request, binding: stream.tls?.channelBinding, now: .now(), identified: { key = $0 }) {
        case .success(let judged): return judged
        case .failure(let refusal) where refusal.isOfVersion2 || !options.acceptV1: throw .handshake(refusal)
        case nil where !options.acceptV1: throw .notARequest
        case .failure, nil: return nil
        }
    }

    /// Version 1.
    @inline(never)
    private func admit(
        _ asked: ServerHandshake.Request, of client: ClientAddress, _ intake: BufferedReader, _ deadline: Instant,
        _ key: inout KeyID?
    ) async throws(Refusal) -> Verified {
        let candidate = try await search(asked, of: client, intake, deadline)
        // Only who has made a valid request learns that nothing is taken on: so that is looked at later.
        let request = try authentication.verify(candidate, from: client.source, now: .now()) { key = $0 }
        await authentication.settle(request, on: worker)
        guard !intake.stream.isClosed else { throw .silent }
        // It may have been retired meanwhile.
        try authentication.check(request.keyID, now: WallClock.now())
        if let reason = closedBecause() { throw reason }
        if let reason = makeRoom(client, request.keyID) { throw reason }
        return .v1(request)
    }

    /// Steps 8 to 10 of protocol-v2.md section 4.4.
    @inline(never)
    private func admit(
        _ judged: JudgedRequest, _ asked: ServerHandshake.Request, of client: ClientAddress, _ intake: BufferedReader,
        _ key: inout KeyID?
    ) async throws(Refusal) -> Verified {
        let request = try authentication.verify(judged, in: asked, now: .now()) { key = $0 }
        await authentication.settle(request, on: worker)
        guard !intake.stream.isClosed else { throw .silent }
        if judged.isExpired {
            recorder.refused(.keyExpired, of: client, with: key)
            return .v2(request, farewell: .keyRevoked)
        }
        // It may have been revoked meanwhile.
        try authentication.check(request.keyID, now: WallClock.now())
        if let reason = closedBecause() {
            recorder.refused(reason, of: client, with: key)
            return .v2(request, farewell: .draining)
        }
        if let reason = makeRoom(client, request.keyID) {
            recorder.refused(reason, of: client, with: key)
            return .v2(request, farewell: .overLimit)
        }
        return .v2(request, farewell: nil)
    }

    /// Finds the key that a request was made with. Where there are many, a stranger's request costs one tag for each: after
    /// a first look that goes on in the strangers' turns, and of a large request in a tenth of the time.
    private func search(
        _ asked: ServerHandshake.Request, of client: ClientAddress, _ intake: BufferedReader, _ deadline: Instant
    ) async throws(Refusal) -> ServerHandshake.Candidate {
        let (stream, source) = (intake.stream, client.source)
        var trial = authentication.trial(asked, from: source, now: WallClock.now())
        var outcome = HandshakeTrial.Outcome.more
        if !trial.isLarge { outcome = try go(on: &trial, ServerLimits.firstLook) }
        // Who has a key gives no way to other heads.
        defer { stream.heldHead = 0 }
        var isPatient = false
        while true {
            switch outcome {
            case .more: break
            case .notARequest: throw .notARequest
            case .found(let candidate): return candidate
            }
            // There may be many that wait, and all is in memory until the wait is over.
            stream.heldHead = asked.head.bytes.count + trial.held
            // It holds its place as long as others do not need it.
            if isPatient, intake.place?.waitForTurn() == false { throw .overLimit(.searches) }
            let turns = isPatient ? worker.patientStrangers : worker.strangers
            let hasTurn = await turns.begin(for: source.party, until: deadline, unlessGone: stream)
            defer { if hasTurn { turns.end() } }
            if isPatient { intake.place?.goOn() }
            // It is not searched on for one that has left; whether its key is wrong is not known.
            guard !stream.isGone else { throw .silent }
            guard hasTurn, worker.now < deadline else { throw .overLimit(.searches) }
            outcome = try go(on: &trial, trial.isLarge ? ServerLimits.largePiece : ServerLimits.piece)
            isPatient = trial.isLarge
        }
    }

    private func go(on trial: inout HandshakeTrial, _ budget: Int) throws(Refusal) -> HandshakeTrial.Outcome {
        var budget = budget
        do throws(WireError) {
            return try trial.go(on: &budget)
        } catch {
            throw .wire(error)
        }
    }

    private func shakeHands(
        _ intake: inout BufferedReader, _ tls: TLSServerContext, _ deadline: Instant
    ) async throws(Refusal) {
        let stream = intake.stream
        do throws(TLSFailure) {
            try await stream.startTLS(.server(tls), received: intake.bytes, deadline: deadline, at: intake.place)
        } catch {
            if error == .timedOut { throw .timedOut }
            // Of one that has left there is nothing to say.
            throw stream.tls?.hasReceived == true && error != .closed ? .tls(error) : .silent
        }
        // What was received so far is TLS's now.
        intake = BufferedReader(stream, at: intake.place)
    }

    /// - Returns: nil when the front speaks for itself.
    private func proxiedClient(_ intake: inout BufferedReader, _ deadline: Instant) async throws(Refusal)
        -> ClientAddress?
    {
        while true {
            let header: ProxyProtocolHeader?
            do {
                header = try intake.bytes.consume(ProxyProtocolHeader.read)
            } catch {
                throw .notARequest
            }
            if let header {
                // The client has said nothing before what follows.
                intake = BufferedReader(intake.stream, bytes: intake.bytes, at: intake.place)
                switch header {
                case .local: return nil
                case .proxied(let client): return client
                }
            }
            intake.stream.heldHead = intake.bytes.count
            let progress = await intake.readMore(deadline: deadline)
            guard progress == .more else { throw interrupted(progress, intake) }
        }
    }

    private func head(_ intake: inout BufferedReader, _ deadline: Instant) async throws(Refusal) -> HTTPHead {
        let result: BufferedReader.HeadResult
        do {
            result = try await intake.readHead(limit: ServerLimits.requestHead, deadline: deadline)
        } catch {
            throw .notARequest
        }
        switch result {
        case .success(let head): return head
        case .failure(let interruption): throw interrupted(interruption.progress, intake)
        }
    }

    /// A web server does not answer a connection that has sent nothing and leaves either.
    private func interrupted(_ progress: BufferedReader.Progress, _ intake: BufferedReader) -> Refusal {
        if progress == .timedOut { return .timedOut }
        return intake.hasReceived ? .notARequest : .silent
    }
}

extension HandshakePlace {
    /// How much of the memory for heads it has taken, and for how long: byte seconds.
    fileprivate func weight(at now: Instant) -> Double {
        Double(stream.heldHead) * (0.001 + (now - arrived).inSeconds)
    }
}
