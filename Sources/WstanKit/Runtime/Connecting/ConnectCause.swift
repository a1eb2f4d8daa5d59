import Glibc

/// What kept a connection from being made, as far as it makes a difference to a person. The other end tells it in
/// words, which are ours: those of `Connector.Failure`.
enum ConnectCause: CaseIterable {
    case nameNotFound
    case nameServersSilent
    case lookUpTimedOut
    case tooManyLookUps
    case refused
    case timedOut
    case networkUnreachable
    case hostUnreachable
    case reset
    case shortage

    /// nil for what is rare, and only has the system's words.
    init?(_ failure: Connector.Failure) {
        self.init(text: failure.description)
    }

    /// - Parameter text: what `Connector.Failure` says of itself, here or on another host.
    init?(text: String) {
        guard let cause = Self.allCases.first(where: { $0.texts.contains(text) }) else { return nil }
        self = cause
    }

    private var texts: [String] {
        switch self {
        case .nameNotFound: [Resolver.Failure.notFound.text]
        case .nameServersSilent: [Resolver.Failure.unavailable.text]
        case .lookUpTimedOut: [Resolver.Failure.timedOut.text]
        case .tooManyLookUps: [Resolver.Failure.tooMany.text]
        case .refused: [SystemError.text(ECONNREFUSED)]
        case .timedOut: [SystemError.text(ETIMEDOUT)]
        case .networkUnreachable: [SystemError.text(ENETUNREACH), SystemError.text(EADDRNOTAVAIL)]
        case .hostUnreachable: [SystemError.text(EHOSTUNREACH), SystemError.text(EHOSTDOWN)]
        case .reset: [SystemError.text(ECONNRESET)]
        case .shortage: [SystemError.text(EMFILE), SystemError.text(ENFILE), SystemError.text(ENOBUFS)]
        }
    }
}
