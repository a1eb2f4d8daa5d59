/// Why a connection was reset, or a tunnel takes no more of them (protocol-v2.md section 5).
enum ResetCode: UInt8, CaseIterable, Sendable {
    case none = 0
    // 1 to 8 are those of RFC 1928 section 6.
    case failed = 1
    case notAllowed = 2
    case networkUnreachable = 3
    case hostUnreachable = 4
    case refused = 5
    case ttlExpired = 6
    case notSupported = 7
    case addressTypeNotSupported = 8
    /// By the target or the user agent.
    case reset = 16
    case noSuchName = 17
    case timedOut = 18
    case idle = 19
    /// Certainly not served: another tunnel may be asked.
    case draining = 20
    case overLimit = 21
    case keyRevoked = 22
    case nothingToResume = 24
    case noMemory = 25
    case listenerTakenOver = 26
    case noSuchListener = 27
    case cannotListen = 28

    /// An unknown one counts as `failed`.
    init(byte: UInt8) {
        self = ResetCode(rawValue: byte) ?? .failed
    }

    /// What a SOCKS user agent is told.
    var socksReply: Socks5.Reply {
        switch self {
        case .notAllowed: .notAllowed
        case .networkUnreachable: .networkUnreachable
        case .hostUnreachable, .noSuchName: .hostUnreachable
        case .refused: .connectionRefused
        case .ttlExpired, .timedOut: .ttlExpired
        case .notSupported: .commandNotSupported
        case .addressTypeNotSupported: .addressTypeNotSupported
        case .none, .failed, .reset, .idle, .draining, .overLimit, .keyRevoked, .nothingToResume, .noMemory,
            .listenerTakenOver, .noSuchListener, .cannotListen:
            .generalFailure
        }
    }
}
