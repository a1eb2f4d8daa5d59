import WstanBase

extension BufferedReader {
    /// Reads the head of a server's answer to a handshake.
    package mutating func readAnswer(deadline: Instant) async throws(DialFailure) -> HTTPHead {
        let result: HeadResult
        do {
            result = try await readHead(limit: ClientLimits.answerHead, deadline: deadline)
        } catch {
            throw .notWebSocket
        }
        switch result {
        case .success(let head):
            return head
        case .failure(let interruption):
            // A server may look at our certificate when the handshake is over for us.
            if let failure = stream.tls?.failure { throw .tls(failure) }
            switch interruption.progress {
            case .reset: throw .reset
            case .timedOut: throw .timedOut
            case .over, .more: throw .closed
            }
        }
    }
}

extension DialFailure {
    /// - Parameter now: seconds since the epoch.
    init(_ failure: ClientHandshake.Failure, now: Double) {
        self =
            switch failure {
            case .refused(let status, let date): .refused(status: status, clockAhead: date.map { Double($0) - now })
            case .notHTTP, .notUpgraded, .otherKey: .notWebSocket
            }
    }
}

extension ServerEndpoint {
    package var inHTTP: ClientHandshake.Server {
        ClientHandshake.Server(
            pathPrefix: pathPrefix, query: query, host: hostHeader, fields: headers.map { "\($0.name): \($0.value)" })
    }
}
