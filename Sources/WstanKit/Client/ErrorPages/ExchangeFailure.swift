import WstanBase

/// Why a user agent's request came to nothing, before anything of an answer was passed on.
enum ExchangeFailure: Error, Equatable {
    /// `allow-uid` does not name the user.
    case notAdmitted
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
    /// What the target said is no HTTP.
    case unreadableAnswer
    /// Of a target that does not take the tunnel.
    case direct(DirectFailure)

    init(_ outcome: Connection.Outcome?) {
        self =
            switch outcome {
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
                403, "This user may not use the proxy", "The wstan client serves some users of its host only.",
                advice: ["Whoever runs it can add you to `allow-uid` in its configuration."])
        case .unauthenticated(let isWrong):
            return Explanation(
                407, isWrong ? "The name or the password is wrong" : "The proxy wants a name and a password",
                "The wstan client serves those only whom its users file names.",
                advice: [
                    "Give them to the program that uses the proxy, such as `curl --proxy-user NAME:PASSWORD`.",
                    "If you have none, ask whoever runs the client.",
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
                "The connection between the client and the server was lost while \(host) was to answer.",
                advice: [
                    "Try again. It was not tried by itself, since nobody knows whether \(host) has got the request."
                ], hop: .clientToServer)
        case .unreadableAnswer:
            return Explanation(
                502, "\(host) did not answer in HTTP",
                "What came back is no answer that could be passed on without guessing.",
                advice: [
                    "Perhaps another protocol is spoken on that port: try the address with `https://`.",
                    "If it is your server: its answer has no proper head, or contradicts itself about its length.",
                ], hop: .serverToTarget)
        case .direct(let failure):
            return failure.explanation(of: target)
        }
    }
}

extension RequestFault {
    fileprivate func explanation(here: String) -> Explanation {
        switch self {
        case .malformed:
            Explanation(
                400, "The request cannot be read", "It is no HTTP, or could be read in two ways.",
                advice: ["If a browser sent it, something between it and this proxy has changed it."])
        case .tooLarge:
            Explanation(
                431, "The head of the request is too long",
                "It may have \(ClientLimits.requestHead / 1024) KiB, and 200 fields.",
                advice: ["Often it is the cookies of a site that have grown so much: delete them."])
        case .unusableTarget:
            Explanation(
                400, "The address cannot be used", "A proxy takes addresses like http://example.com:8080/path.",
                advice: ["Check the spelling."])
        case .meantForServer:
            Explanation(
                400, "This is a proxy", "There is nothing to see at \(here): it brings you to other places.",
                advice: [
                    "Firefox: Settings, Network Settings, Manual proxy configuration. Give `\(here)` as the HTTP "
                        + "proxy, also for HTTPS; or as the SOCKS v5 host, with proxy DNS.",
                    "Chromium: `chromium --proxy-server=http://\(here)`",
                    "curl: `curl -x http://\(here) http://example.com/`",
                    "A browser or system that takes the address of a script (PAC): `http://\(here)/proxy.pac`",
                    "Most other programs: `export http_proxy=http://\(here) https_proxy=http://\(here)`",
                ])
        case .userInformation:
            Explanation(
                400, "The address holds a user name", "What stands before the @ often is there to deceive.",
                advice: ["Leave it out; the target asks for a name and password if it wants one."])
        case .otherScheme(isHTTPS: true):
            Explanation(
                501, "This needs CONNECT", "https:// goes through a proxy by the method CONNECT.",
                advice: ["Set this proxy for HTTPS as an HTTP proxy (http://\(here)): then the program uses CONNECT."])
        case .otherScheme(isHTTPS: false):
            Explanation(
                501, "Only http:// goes this way", "This proxy does not speak the protocol of that address.",
                advice: ["Other protocols go through CONNECT or SOCKS: set `\(here)` as the SOCKS v5 host."])
        case .ambiguousLength:
            Explanation(
                400, "Where the request ends is not clear", "Its length is given twice, or is no number.",
                advice: ["Such requests are used to smuggle others past a proxy, so they are not passed on."])
        case .unknownCoding:
            Explanation(
                400, "Where the request ends is not clear", "Its body is in a transfer coding other than chunked.",
                advice: ["Send it chunked, or with its length."])
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
