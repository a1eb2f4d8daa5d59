import WstanBase

extension BufferedReader {
    /// Why a request of ours has no final answer.
    enum AnswerFailure: Error {
        case unreadable(AnswerReader.Failure)
        case ended(Progress, hasBegun: Bool)
    }

    /// Reads the head of a server's answer to a handshake; what came behind it is in `bytes` then.
    package mutating func readAnswer(deadline: Instant) async throws(DialFailure) -> HTTPHead {
        do throws(AnswerFailure) {
            return try await readFinalHead(deadline: deadline)
        } catch {
            switch error {
            case .unreadable(let failure): throw DialFailure(failure)
            case .ended(let progress, let hasBegun): throw failure(progress, hasBegun: hasBegun)
            }
        }
    }

    /// The same of an answer that need not be the server's.
    mutating func readFinalHead(deadline: Instant) async throws(AnswerFailure) -> HTTPHead {
        var reader = AnswerReader(limit: ClientLimits.answerHead)
        while true {
            let new = bytes
            bytes = []
            do throws(AnswerReader.Failure) {
                if let head = try reader.append(new) {
                    bytes = Array(reader.rest)
                    stream.heldHead = 0
                    return head
                }
            } catch {
                throw .unreadable(error)
            }
            stream.heldHead = reader.held
            let progress = await readMore(deadline: deadline)
            guard progress == .more else { throw .ended(progress, hasBegun: reader.hasBegun) }
        }
    }

    /// Why no answer has come, or not all of it.
    private func failure(_ progress: Progress, hasBegun: Bool) -> DialFailure {
        // A server may look at our certificate when the handshake is over for us.
        if let failure = stream.tls?.failure { return .tls(failure) }
        return switch progress {
        case .reset: .reset
        case .timedOut: hasBegun ? .unfinishedAnswer(.timedOut) : .timedOut
        case .over, .more: hasBegun ? .unfinishedAnswer(.closed) : .closed(usesTLS: stream.tls != nil)
        }
    }
}

extension DialFailure {
    fileprivate init(_ failure: AnswerReader.Failure) {
        switch failure {
        case .malformed(let banner): self = .notHTTP(banner)
        case .tooLarge(let limit): self = .tooLargeAnswer(limit)
        }
    }
}

extension ServerEndpoint {
    package var inHTTP: ClientHandshake.Server {
        ClientHandshake.Server(
            pathPrefix: pathPrefix, query: query, host: hostHeader, fields: headers.map { "\($0.name): \($0.value)" })
    }
}
