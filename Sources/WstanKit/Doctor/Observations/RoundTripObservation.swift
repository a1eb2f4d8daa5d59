/// How long something took to the server and back, beside what TCP needs.
struct RoundTripObservation {
    enum Subject {
        /// Of WebSocket, through an open tunnel.
        case ping
        /// Of version 2: the proof is the server's own.
        case handshake

        fileprivate var words: String {
            switch self {
            case .ping: "for a ping through the tunnel"
            case .handshake: "from the request to the server's proof"
            }
        }
    }

    enum Outcome: Equatable {
        case answered(Duration)
        /// The server has ended the tunnel.
        case closed
        case silent
        /// What came is no WebSocket.
        case malformed
    }

    let subject: Subject
    let outcome: Outcome
    /// To the server, or to the front or the proxy before it.
    let tcp: Duration
    let hasProxy: Bool

    init(of subject: Subject, _ outcome: Outcome, tcp: Duration, hasProxy: Bool) {
        self.subject = subject
        self.outcome = outcome
        self.tcp = tcp
        self.hasProxy = hasProxy
    }

    var finding: Finding {
        switch outcome {
        case .answered(let took):
            let text =
                "\(HumanText.duration(took)) \(subject.words), \(HumanText.duration(tcp)) for TCP to the "
                + (hasProxy ? "proxy" : "server or its front")
            guard hasProxy || took < tcp * 3 + .milliseconds(200) else {
                return .warning(
                    "round trip", "\(text): something adds the difference",
                    remedy: "look at the load of the server, and at the front before it")
            }
            return .ok("round trip", text)
        case .closed:
            return .failed(
                .other, "round trip", "the server ended the tunnel at once",
                remedy: "the server may be stopping, or at a limit (max-tunnels): its log may say more")
        case .silent:
            return .failed(
                .other, "round trip", "the tunnel is open, and no ping comes back",
                remedy: "a front or a proxy holds the bytes up: let it pass WebSocket on unbuffered, or use wss://")
        case .malformed:
            return .failed(
                .other, "round trip", "what comes through the tunnel is no WebSocket",
                remedy: "something on the way changes it: use wss://")
        }
    }
}
