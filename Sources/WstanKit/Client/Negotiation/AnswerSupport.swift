/// Whether a server tells that a target has answered.
enum ServerManner: Equatable {
    /// It answers an empty DAT then.
    case tells
    case isSilent
}

/// What was seen of servers. Confined to its worker.
final class AnswerSupport: @unchecked Sendable {
    /// A name may stand for several servers, and several servers may be behind one proxy.
    struct Server: Hashable {
        /// In the list of servers.
        let number: Int
        /// Where a tunnel to it leads.
        let address: SocketAddress
    }

    private var known: [Server: ServerManner] = [:]

    func learn(_ manner: ServerManner, of server: Server) {
        if known[server] == nil, known.count >= ClientLimits.knownServers { known.removeAll() }
        known[server] = manner
    }

    /// How long the target's answer is worth waiting for.
    func patience(with server: Server, roundTrip: Duration) -> Duration {
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
