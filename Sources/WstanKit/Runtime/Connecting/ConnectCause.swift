import Glibc

/// What kept a connection from being made, as far as it makes a difference to a person. A server tells it in words,
/// which are ours: those of `Connector.Failure`.
package enum ConnectCause: CaseIterable {
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
        switch failure {
        case .lookUp(let failure): self.init(failure)
        case .connect(let error): self.init(code: error.code)
        case .tooMany: self = .shortage
        case .forbidden, .leadsToForbidden: return nil
        }
    }

    /// - Parameter code: of `errno`.
    package init?(code: Int32) {
        guard let cause = Self.causesByCode[code] else { return nil }
        self = cause
    }

    private init?(_ failure: Resolver.Failure) {
        switch failure {
        case .notFound: self = .nameNotFound
        case .unavailable: self = .nameServersSilent
        case .timedOut: self = .lookUpTimedOut
        case .tooMany: self = .tooManyLookUps
        case .shortage: self = .shortage
        case .cancelled: return nil
        }
    }

    /// - Parameter text: what `Connector.Failure` says of itself on another host.
    init?(text: String) {
        guard let cause = Self.causesByText[text] else { return nil }
        self = cause
    }

    /// Words by which it is known, on another host too.
    var text: String? { Self.causesByText.filter { $0.value == self }.keys.min() }

    private static let causesByCode: [Int32: ConnectCause] = [
        ECONNREFUSED: .refused, ETIMEDOUT: .timedOut, ENETUNREACH: .networkUnreachable,
        EADDRNOTAVAIL: .networkUnreachable, EHOSTUNREACH: .hostUnreachable, EHOSTDOWN: .hostUnreachable,
        ECONNRESET: .reset, EMFILE: .shortage, ENFILE: .shortage, ENOBUFS: .shortage,
    ]

    private static let causesByText: [String: ConnectCause] = {
        let failures =
            Resolver.Failure.allCases.map { Connector.Failure.lookUp($0) }
            + causesByCode.keys.map { .connect(SystemError(call: "connect", code: $0)) } + [.tooMany]
        return failures.reduce(into: [:]) { causes, failure in causes[failure.description] = ConnectCause(failure) }
    }()
}
