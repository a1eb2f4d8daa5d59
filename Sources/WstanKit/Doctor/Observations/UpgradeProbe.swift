/// Asks for a tunnel as a client does, and takes notes of the answer. Confined to its worker.
struct UpgradeProbe: @unchecked Sendable {
    enum Outcome: Equatable {
        case answer(UpgradeAnswer)
        /// There was none.
        case failure(DialFailure)
    }

    enum Question {
        /// An empty request: the tunnel is idle at once. The oldest of Python's servers does not know it.
        case idle
        /// One for a target, which every server knows.
        case target(Address)
    }

    let worker: Worker
    let key: Key
    var compatible: Bool
    /// Under TLS nothing is sealed.
    var usesCipher: Bool
    /// Begins and ends with a slash.
    let pathPrefix: String
    let hostHeader: String
    let headers: [ExtraHeader]

    /// - Parameter intake: what comes behind the answer is in it then.
    func ask(_ question: Question, _ intake: inout BufferedReader, until deadline: Instant) async -> Outcome {
        let nonce = freshNonce()
        let stream = usesCipher ? KeyStream(key: key, nonce: nonce) : nil
        let sealer = Sealer(authenticator: Authenticator(key: key), stream: stream)
        let time = RequestClock.shared.next(now: WallClock.now())
        let request =
            switch question {
            case .idle: sealer.seal(idleAt: time)
            case .target(let target): sealer.seal(request: Request(time: time, target: target, data: []))
            }
        // In compatible mode the nonce travels in a cookie, and this key means nothing.
        let shown = compatible ? worker.randomness.nonce() : nonce
        intake.stream.write(
            WebSocketHandshake.request(
                path: pathPrefix + Base64.encode(request, .url), host: hostHeader, key: shown.base64,
                cookie: compatible ? "\(CompatibleMode.cookieName(for: key))=\(nonce.base64)" : nil,
                fields: headers.map { "\($0.name): \($0.value)" }))
        return await readAnswer(&intake, Base64.encode(Nonce.accept(forKey: shown.base64.utf8)), deadline)
    }

    private func readAnswer(_ intake: inout BufferedReader, _ accept: String, _ deadline: Instant) async -> Outcome {
        let result: BufferedReader.HeadResult
        do throws(HTTPHead.Failure) {
            result = try await intake.readHead(limit: ClientLimits.answerHead, deadline: deadline)
        } catch {
            return .failure(.notWebSocket)
        }
        switch result {
        case .success(let head):
            return UpgradeAnswer(head, expecting: accept).map { .answer($0) } ?? .failure(.notWebSocket)
        case .failure(let interruption):
            // A server may look at our certificate when the handshake is over for us.
            if let failure = intake.stream.tls?.failure { return .failure(.tls(failure)) }
            switch interruption.progress {
            case .reset: return .failure(.reset)
            case .timedOut: return .failure(.timedOut)
            case .over, .more: return .failure(.closed)
            }
        }
    }

    /// Sends a ping through an open tunnel and waits for its pong.
    func ping(_ intake: inout BufferedReader, until deadline: Instant) async -> RoundTripObservation.Outcome {
        let mark = worker.randomness.nonce().bytes
        let began = Instant.now()
        intake.stream.write(FrameHead.frame(.ping, mark, mask: MaskingKey(worker.randomness.next())))
        var reader = FrameReader(role: .client)
        while true {
            var heard: RoundTripObservation.Outcome?
            do {
                heard = try Self.look(for: mark, &reader, &intake.bytes, began)
            } catch {
                return .malformed
            }
            if let heard { return heard }
            switch await intake.readMore(deadline: deadline) {
            case .more: break
            case .timedOut: return .silent
            case .over, .reset: return .closed
            }
            guard worker.now < deadline else { return .silent }
        }
    }

    /// Uses up all bytes.
    private static func look(
        for mark: [UInt8], _ reader: inout FrameReader, _ bytes: inout [UInt8], _ began: Instant
    ) throws -> RoundTripObservation.Outcome? {
        defer { bytes.removeAll() }
        return try bytes.withUnsafeMutableBytes { buffer in
            var offset = 0
            while let event = try reader.next(in: buffer, from: &offset) {
                switch event {
                case .pong(let payload) where payload == mark: return .answered(Instant.now() - began)
                case .close: return .closed
                case .payload, .ping, .pong: break
                }
            }
            return nil
        }
    }

    /// Ends a tunnel in good order.
    func leave(_ stream: Stream) {
        stream.write(FrameHead.close(code: CloseCode.normal, mask: MaskingKey(worker.randomness.next())))
        stream.closeOrderly(awaitingPeer: false)
    }

    /// Python's servers strip the cookie's name in a way that eats leading characters of the nonce equal to its letter.
    private func freshNonce() -> Nonce {
        while true {
            let nonce = worker.randomness.nonce()
            guard compatible else { return nonce }
            if nonce.base64.utf8.first != CompatibleMode.cookieName(for: key).utf8.last { return nonce }
        }
    }
}
