import WstanBase

/// Why a user agent's request came to nothing, before anything of an answer was passed on.
enum ExchangeFailure: Error, Equatable {
    /// `allow-uid` does not name the user.
    case notAdmitted
    /// Asked for under a name that is not this proxy's.
    case otherName
    /// No name and password, or wrong ones.
    case unauthenticated(isWrong: Bool)
    /// Too many passwords are being checked.
    case busy
    case request(RequestFault)
    case dial(DialFailure)
    /// The server ended the connection.
    case reset(Reset)
    /// The tunnel broke.
    case lost
    /// What the target said cannot be passed on.
    case unreadableAnswer(HTTPHead.Failure)
    /// Of a target that does not take the tunnel.
    case direct(DirectFailure)

    init(_ outcome: Connection.Outcome?) {
        self =
            switch outcome {
            case .reset(let reset) where reset.code == .keyRevoked: .dial(.dismissed(.keyRevoked))
            case .reset(let reset) where reset.code == .draining: .dial(.dismissed(.draining))
            case .reset(let reset): .reset(reset)
            case .lost, nil: .lost
            }
    }

    /// - Parameters:
    ///   - target: nil when the request did not get so far.
    ///   - here: where this proxy is, for those who have to set it.
    func explanation(of target: Address?, here: String) -> Explanation {
        let host = target.map { "\($0.host)" } ?? "the target"
        switch self {
        case .notAdmitted:
            return Explanation(
                403, "This user may not use the proxy", "The wstan client serves only some users of its host.",
                advice: ["Its administrator can add you to `allow-uid` in its configuration."])
        case .otherName:
            return Explanation(
                421, "This is a proxy under another name",
                "The wstan client answers under an address, or a name of its own; `Host` in the request is another one's.",
                advice: [
                    "Ask for it by its IP address, as `http://\(here)/proxy.pac`, or by the name of its host.",
                    "To use another name, let the client listen on it: `listen = NAME:PORT`.",
                ])
        case .unauthenticated(let isWrong):
            return Explanation(
                407, isWrong ? "The name or the password is wrong" : "The proxy wants a name and a password",
                "The wstan client serves only the users in its users file.",
                advice: [
                    "Give them to the program that uses the proxy, such as `curl --proxy-user NAME:PASSWORD`.",
                    "If you have none, ask the administrator of the client.",
                ])
        case .busy:
            return Explanation(
                503, "The proxy is busy", "Too many names and passwords are being checked.",
                advice: ["Try again in a moment."])
        case .request(let fault):
            return fault.explanation(here: here)
        case .dial(let failure):
            return failure.explanation
        case .reset(let reset):
            return reset.explanation(of: host, target)
        case .lost:
            return Explanation(
                502, "The tunnel broke",
                "The connection between the client and the server was lost before \(host) answered.",
                advice: [
                    "Try again. The client did not repeat the request, since \(host) may have received it."
                ], hop: .clientToServer)
        case .unreadableAnswer(let failure):
            return failure.explanation(ofAnswerBy: host, hop: .serverToTarget)
        case .direct(let failure):
            return failure.explanation(of: target)
        }
    }
}

extension DialFailure {
    fileprivate var explanation: Explanation {
        let row = row
        // A proxy's or a front's reason phrase is another's text.
        return Explanation(
            row.isLate ? 504 : 502, row.title, Self.sentence(Explanation.visible(row.cause)),
            advice: [Self.sentence(row.advice)], hop: row.hop)
    }

    private static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst() + "."
    }
}
