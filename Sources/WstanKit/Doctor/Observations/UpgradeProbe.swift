import WstanBase
import WstanCore

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
    var mode: HandshakeModeV1
    let server: ClientHandshake.Server
    let usesTLS: Bool

    /// - Parameter intake: what comes behind the answer is in it then.
    func ask(_ question: Question, _ intake: inout BufferedReader, until deadline: Instant) async -> Outcome {
        let handshake = ClientHandshake.v1(
            ClientHandshakeV1(Authenticator(key: key), mode, asking: server, for: opening(question)) {
                worker.randomness.nonce()
            })
        intake.stream.write(handshake.request)
        do throws(DialFailure) {
            let head = try await intake.readAnswer(deadline: deadline)
            return .answer(
                UpgradeAnswer(
                    head, body: intake.bytes, failure(of: handshake, head), to: server, usesTLS: usesTLS,
                    now: WallClock.now()))
        } catch {
            return .failure(error)
        }
    }

    private func opening(_ question: Question) -> Opening {
        let time = RequestClock.shared.next(now: WallClock.now())
        return switch question {
        case .idle: .idle(time: time)
        case .target(let target): .request(Request(time: time, target: target, data: []))
        }
    }

    private func failure(of handshake: ClientHandshake, _ answer: HTTPHead) -> ClientHandshake.Failure? {
        do throws(ClientHandshake.Failure) {
            _ = try handshake.open(answer)
            return nil
        } catch {
            return error
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
}
