import WstanBase

/// Why no tunnel could be opened: every way in which client and server may fail to meet, with what was seen. `FailureTable` says what
/// each is called and what to do about it.
///
/// Indirect: what can fail so has many of them in its frame, and a burst of connections has many frames.
package indirect enum DialFailure: Error, Equatable {
    ///
    /// - Parameter onLoopback: whether it is to be on this host.
    case unreachable(Connector.Failure, onLoopback: Bool = false)
    case proxyUnreachable(Connector.Failure)
    /// The proxy on the way is reached, and does not connect to the server.
    case proxyRefused(ProxyRefusal)
    /// An answer of HTTP that opens no tunnel: of the server, or of something before it.
    case refused(UpgradeAnswer)
    /// The answer is not HTTP.
    case notHTTP(Banner)
    /// The answer exceeds a limit.
    case tooLargeAnswer(HTTPHead.Failure)
    /// The answer has begun, and its head did not end.
    case unfinishedAnswer(Ending)
    /// Reset, each time it was tried.
    case reset
    /// Ended without an answer.
    case closed(usesTLS: Bool)
    case timedOut
    /// No TLS with the server.
    case tls(TLSFailure)
    /// Version 2: a 101 has come, and what follows it was not made with the server's key and this user's. Nothing else
    /// is tried.
    case impostor(reason: String)
    /// Version 2: a 101 has come, and no proof of who has sent it.
    case unproven(Ending)
    /// Version 2: no secret can be agreed with the server's key.
    case unusableServerKey
    /// Version 2: the server has proven itself, and takes nothing of this client now.
    case dismissed(Dismissal)
    /// Silent for a second, and then another server was quicker.
    case overtaken
    /// The failure of one of several servers.
    case at(Address, DialFailure)

    package enum Ending: Equatable, Sendable {
        /// The connection was closed.
        case closed
        /// The time was over.
        case timedOut
    }

    package enum Dismissal: Equatable, Sendable {
        case draining
        case overLimit
        case keyRevoked
        /// By a code that no server of this release sends then.
        case other(code: UInt8)

        /// What the server says.
        init(_ bye: Bye) {
            switch bye.code {
            case .keyRevoked: self = .keyRevoked
            case .overLimit, .noMemory: self = .overLimit
            case .draining: self = .draining
            case .none, .failed, .notAllowed, .networkUnreachable, .hostUnreachable, .refused, .ttlExpired,
                .notSupported, .addressTypeNotSupported, .reset, .noSuchName, .timedOut, .idle, .nothingToResume,
                .listenerTakenOver, .noSuchListener, .cannotListen:
                self = .other(code: bye.number)
            }
        }
    }

    /// For programs: `--json`, Varlink. One for each cause; none ever changes.
    package var code: String { row.code }
    /// What happened, as far as it was seen.
    package var cause: String { row.cause }
    /// What to do.
    package var advice: String { row.advice }
    /// Both, in one line.
    package var text: String { "\(cause); \(advice)" }

    /// Whichever server it was.
    var bare: DialFailure {
        if case .at(_, let failure) = self { failure.bare } else { self }
    }

    /// Whether something else than the server has answered in its place: then nothing is tried that would serve its
    /// purpose.
    var isImpostor: Bool { if case .impostor = bare { true } else { false } }

    /// Whether a server has proven itself and has no tunnel for this client.
    var isDismissal: Bool { if case .dismissed = bare { true } else { false } }

    /// Whether it is as a server of ours answers whatever is wrong.
    var isPlainAnswer: Bool {
        if case .refused(let answer) = bare { answer.mayBeFromServer && answer.status != 101 } else { false }
    }

    /// Whether it is certain that no server has served the request. A reset or an end does not tell.
    var isRefusal: Bool {
        switch self {
        case .unreachable, .proxyUnreachable, .proxyRefused, .overtaken, .tls, .unusableServerKey, .dismissed: true
        case .refused(let answer): answer.status != 101
        case .notHTTP, .tooLargeAnswer, .unfinishedAnswer, .reset, .closed, .timedOut, .impostor, .unproven: false
        case .at(_, let failure): failure.isRefusal
        }
    }

    /// Whether a server that is being restarted, or a front or a proxy whose server is, looks like this; or a network that is being
    /// changed for another.
    package var mayBeRestart: Bool {
        switch self {
        case .unreachable(let failure, _), .proxyUnreachable(let failure):
            [.refused, .reset, .networkUnreachable, .hostUnreachable].contains(ConnectCause(failure))
        case .proxyRefused(let refusal): refusal.mayBeRestart
        case .refused(let answer): answer.mayBeRestart
        case .reset, .closed, .unfinishedAnswer(.closed), .unproven(.closed), .tls(.cut), .dismissed(.draining),
            .dismissed(.overLimit):
            true
        case .notHTTP, .tooLargeAnswer, .unfinishedAnswer(.timedOut), .unproven(.timedOut), .timedOut, .overtaken, .tls,
            .impostor, .unusableServerKey, .dismissed(.keyRevoked), .dismissed(.other):
            false
        case .at(_, let failure): failure.mayBeRestart
        }
    }
}

extension UpgradeAnswer {
    /// 521 to 523: Cloudflare's words for a server that it does not reach.
    fileprivate var mayBeRestart: Bool { (502...504).contains(status) || (521...523).contains(status) }
}
