/// When a user agent that is to be told the outcome (`early-reply = no`, or `auto` and a target that has just failed) is
/// told, and what the server shows of itself on the way, as a value.
///
/// A server of ours answers an empty DAT as soon as the target has answered, before anything the target says; Python's
/// do not answer it.
struct DeferredReplyMachine {
    enum State: Equatable {
        /// The user agent waits. Can become: granted, refused.
        case waiting
        case granted
        case refused
    }

    enum Action: Equatable {
        case grant
        case refuse(ExchangeFailure)
        /// It was told already.
        case nothing
    }

    private(set) var state = State.waiting
    /// What was shown on this connection; nil while nothing was.
    private(set) var behaviour: AnswerBehaviour?
    /// The target was heard of on this connection: it has answered, or ended it.
    private(set) var isTargetThere = false
    private var hasData = false
    private var timeIsUp = false

    /// The request goes out once more, on another tunnel.
    mutating func startedOver() {
        behaviour = nil
        isTargetThere = false
        hasData = false
        timeIsUp = false
    }

    /// The server has answered the empty DAT.
    mutating func serverAnswered() -> Action {
        behaviour = .tells
        isTargetThere = true
        return grant()
    }

    /// The target's first data.
    mutating func receivedData() -> Action {
        hasData = true
        isTargetThere = true
        concludeSilence()
        return grant()
    }

    /// It was waited as long as this server is worth it.
    mutating func timePassed() -> Action {
        timeIsUp = true
        concludeSilence()
        return grant()
    }

    /// Data of the target, and no answer by the time at which it is due, however late the question came.
    private mutating func concludeSilence() {
        if hasData, timeIsUp, behaviour == nil { behaviour = .isSilent }
    }

    private mutating func grant() -> Action {
        guard state == .waiting else { return .nothing }
        state = .granted
        return .grant
    }

    /// The other side has ended the connection.
    mutating func receivedReset(_ reset: Reset) -> Action {
        // A target that has ended, or broken off, was there.
        guard !reset.isNormal, !reset.isBrokenConnection else {
            isTargetThere = true
            return grant()
        }
        return failed(.reset(reset))
    }

    /// There is no connection, or no tunnel any more.
    mutating func failed(_ failure: ExchangeFailure) -> Action {
        guard state == .waiting else { return .nothing }
        state = .refused
        return .refuse(failure)
    }
}

/// Whether a server tells that a target has answered.
enum AnswerBehaviour: Equatable {
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

        init(number: Int, address: SocketAddress) {
            self.number = number
            self.address = address
        }

        /// nil when the tunnel is no more.
        init?(of tunnel: Tunnel) {
            guard let address = tunnel.stream.remoteAddress else { return nil }
            self.init(number: tunnel.mark, address: address)
        }
    }

    private var known: [Server: AnswerBehaviour] = [:]
    private var questionsLeft = ClientLimits.answerQuestions

    /// Asks the server of a connection that was granted early, as long as nothing is known of any: the first target that fails
    /// is to be waited for as long as that server is worth it. It asks behind the first data, since a connection whose
    /// server has answered is not begun again when its tunnel breaks.
    func ask(_ connection: Connection, of userAgent: Stream, on tunnel: Tunnel) {
        guard !tunnel.version.tellsOfAnswers, known.isEmpty, questionsLeft > 0 else { return }
        questionsLeft -= 1
        listen(to: connection, on: tunnel)
        connection.filter = { [weak connection, weak tunnel] bytes in
            connection?.filter = nil
            userAgent.write(bytes)
            // Not within the read, whose buffer it would use.
            userAgent.worker.spawn { [weak connection, weak tunnel] in
                if let connection { tunnel?.askForAnswer(connection) }
            }
        }
    }

    /// Learns from the answer to an empty DAT on a connection, if one comes.
    func listen(to connection: Connection, on tunnel: Tunnel) {
        guard let server = Server(of: tunnel) else { return }
        connection.peerAnswered = { [weak self] in self?.learn(.tells, of: server) }
    }

    func tells(_ tunnel: Tunnel) -> Bool {
        tunnel.version.tellsOfAnswers || Server(of: tunnel).map { known[$0] == .tells } ?? false
    }

    func learn(_ behaviour: AnswerBehaviour, of server: Server) {
        if known[server] == nil, known.count >= ClientLimits.knownServers { known.removeAll() }
        known[server] = behaviour
    }

    /// How long the target's answer is worth waiting for.
    func patience(with server: Server, roundTrip: Duration) -> Duration {
        Self.patience(known[server], roundTrip: roundTrip)
    }

    static func patience(_ behaviour: AnswerBehaviour?, roundTrip: Duration) -> Duration {
        switch behaviour {
        case .tells: ClientLimits.answerFromTeller
        case .isSilent: min(roundTrip + ClientLimits.answerFromSilent, ClientLimits.answerAtMost)
        case nil: min(max(roundTrip * 4, ClientLimits.answerAtLeast), ClientLimits.answerAtMost)
        }
    }
}
