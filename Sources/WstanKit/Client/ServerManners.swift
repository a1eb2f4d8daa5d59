/// Whether a server tells that a target has answered.
enum ServerManner: Equatable {
    /// It answers an empty DAT then.
    case tells
    case isSilent
}

/// What was seen of servers, by their addresses. Confined to its worker.
final class ServerManners: @unchecked Sendable {
    private var known: [SocketAddress: ServerManner] = [:]

    func learn(_ manner: ServerManner, of server: SocketAddress) {
        if known[server] == nil, known.count >= ClientLimits.knownServers { known.removeAll() }
        known[server] = manner
    }

    /// How long the target's answer is worth waiting for.
    func patience(with server: SocketAddress, roundTrip: Duration) -> Duration {
        Self.patience(known[server], roundTrip: roundTrip)
    }

    static func patience(_ manner: ServerManner?, roundTrip: Duration) -> Duration {
        switch manner {
        case .tells: ClientLimits.answerFromTeller
        case .isSilent: min(roundTrip + ClientLimits.answerFromSilent, ClientLimits.answerAtMost)
        case nil: min(max(roundTrip * 4, ClientLimits.answerAtLeast), ClientLimits.answerAtMost)
        }
    }
}
