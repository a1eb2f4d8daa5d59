import WstanBase

/// Accepts connections at the server: reads what a connection sends first, and admits it as a tunnel or gives it the plain answer.
/// Confined to its worker.
final class TunnelAcceptor: @unchecked Sendable {
    /// A connection whose request has held, and that has had its 101.
    struct Accepted {
        let stream: Stream
        let request: VerifiedRequest
        /// The client, also behind a front.
        let client: ClientAddress
        /// What came behind the request.
        let rest: [UInt8]
    }

    /// Says why nobody can be admitted at the moment; nil when somebody can.
    var closedBecause: () -> Refusal? = { nil }
    /// Asked last, of the client of a request that has held: false refuses it by a limit.
    var hasRoom: (ClientAddress) -> Bool = { _ in true }

    private let worker: Worker
    private var options: ServerOptions
    private var authentication: Authentication
    private let limiter: HandshakeLimiter
    private let recorder: RefusalRecorder
    private var tls: TLSServerContext?

    init(worker: Worker, options: ServerOptions, authentication: Authentication, recorder: RefusalRecorder) {
        self.worker = worker
        self.options = options
        self.authentication = authentication
        self.recorder = recorder
        tls = options.tls
        limiter = HandshakeLimiter(capacity: options.maxHandshakes)
        limiter.whenFull = { [recorder] in recorder.closedForRoom() }
        worker.budget.whenHeadsOverflow = { [limiter, budget = worker.budget] in
            while budget.headsOverflow, limiter.closeOldest() {}
        }
    }

    /// Connections to come are shown another certificate; with none TLS is not spoken here.
    func renew(_ tls: TLSServerContext?) {
        self.tls = tls
    }

    /// - Returns: nil when the connection has been refused, or has left.
    func accept(_ stream: Stream, from peer: Peer) async -> Accepted? {
        let ticket = limiter.enter(stream)
        // One who was refused counts until he is gone, or a flood of them would take every descriptor.
        stream.whenClosed = { [limiter] in limiter.leave(ticket) }
        var intake = BufferedReader(stream)
        var client = ClientAddress(peer)
        var key: KeyID?
        let verdict = await authenticate(&intake, &client, &key)
        stream.heldHead = 0
        switch verdict {
        case .success(let request):
            limiter.leave(ticket)
            stream.whenClosed = nil
            let date = HTTPDate.format(Int64(WallClock.now()))
            stream.write(
                WebSocketHandshake.response(accept: request.accept, server: ServerLimits.serverName, date: date))
            return Accepted(stream: stream, request: request, client: client, rest: intake.bytes)
        case .failure(.silent):
            stream.close()
        case .failure(let refusal):
            refuse(stream, refusal, client, key, isHead: intake.startsWithHEAD)
        }
        return nil
    }

    /// The certificate is no part of it: see `renew`.
    func apply(_ options: ServerOptions, _ authentication: Authentication) {
        self.options = options
        self.authentication = authentication
        limiter.capacity = options.maxHandshakes
    }

    /// Closes whatever has not authenticated yet.
    func closeAll() {
        limiter.closeAll()
    }

    private func refuse(
        _ stream: Stream, _ refusal: Refusal, _ client: ClientAddress, _ key: KeyID?, isHead: Bool
    ) {
        guard !stream.isClosed else { return }
        recorder.refused(refusal, of: client, with: key)
        // Whoever speaks no TLS gets no words either, only the alert that TLS has for it.
        guard tls == nil || stream.tls?.isEstablished == true else { return stream.closeOrderly(awaitingPeer: true) }
        let answer = refusal.isBusy ? PlainAnswer.busy : PlainAnswer(status: options.plainAnswer.statusCode)
        stream.write(answer.bytes(now: WallClock.now(), withBody: !isHead))
        stream.closeOrderly(awaitingPeer: true)
    }

    /// - Parameters:
    ///   - client: becomes the one whom a trusted front names, as soon as that is known.
    ///   - key: becomes that of the request, even if it is refused.
    private func authenticate(
        _ intake: inout BufferedReader, _ client: inout ClientAddress, _ key: inout KeyID?
    ) async -> Result<VerifiedRequest, Refusal> {
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
            // Only who has made a valid request learns that nothing is taken on: so that is looked at later.
            let request = try authentication.verify(head, now: WallClock.now()) { key = $0 }
            if options.xForward, !isTrusted, ForwardedFor.isNamed(in: head) { recorder.ignoredForwardedFor(of: client) }
            _ = await authentication.settle(request, on: worker)
            guard !intake.stream.isClosed else { throw .silent }
            if let reason = closedBecause() { throw reason }
            guard hasRoom(client) else { throw .overLimit }
            return .success(request)
        } catch {
            return .failure(error)
        }
    }

    private func shakeHands(
        _ intake: inout BufferedReader, _ tls: TLSServerContext, _ deadline: Instant
    ) async throws(Refusal) {
        let stream = intake.stream
        do throws(TLSFailure) {
            try await stream.startTLS(.server(tls), received: intake.bytes, deadline: deadline)
        } catch {
            if error == .timedOut { throw .timedOut }
            throw stream.tls?.hasReceived == true ? .tls(error) : .silent
        }
        // What was received so far is TLS's now.
        intake = BufferedReader(stream)
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
                intake = BufferedReader(intake.stream, bytes: intake.bytes)
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

    /// Nobody who has said nothing, and leaves, is answered by a web server either.
    private func interrupted(_ progress: BufferedReader.Progress, _ intake: BufferedReader) -> Refusal {
        if progress == .timedOut { return .timedOut }
        return intake.hasReceived ? .notARequest : .silent
    }
}
