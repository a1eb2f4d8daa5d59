import WstanBase

/// How a user agent's connection ended while it was to say what it wants.
enum UserAgentEnding {
    case left
    case reset
    case timedOut

    init(of userAgent: Stream) {
        self = userAgent.failure != nil ? .reset : userAgent.peerHasFinished ? .left : .timedOut
    }

    fileprivate var text: String {
        switch self {
        case .left: "it left"
        case .reset: "it reset the connection"
        case .timedOut: "it timed out"
        }
    }
}

/// Why a user agent's connection ends before it has asked for a target, for the log.
struct UnservedUserAgent: Equatable {
    enum Mistake: String {
        case tls = "it speaks TLS: the proxy's address begins with http:// or socks5://, not https://"
        case unknownProtocol = "it speaks neither SOCKS nor HTTP"
    }

    /// What its user should change; nil where that is not known.
    let mistake: Mistake?
    let reason: String

    /// - Parameters:
    ///   - first: the first byte that it has sent, if any.
    ///   - answer: what it was told.
    init(_ first: UInt8?, answered answer: [UInt8]?, _ ending: UserAgentEnding) {
        let isAnswered = answer != nil
        mistake =
            switch first ?? Socks5.version {
            case _ where isAnswered: nil
            // Section 5.1 of RFC 8446: a handshake's record.
            case 0x16: .tls
            case Socks4.version, Socks5.version, UInt8(ascii: "A")...UInt8(ascii: "Z"): nil
            default: .unknownProtocol
            }
        reason =
            if let mistake {
                mistake.rawValue
            } else if let answer {
                "answered \(Self.text(of: answer))"
            } else {
                ending.text + (first == nil ? " before it sent anything" : " before its request was complete")
            }
    }

    private static func text(of answer: [UInt8]) -> String {
        guard answer.starts(with: "HTTP/".utf8) else {
            return "\(Hex.encode(answer.prefix(2))) in SOCKS"
        }
        let line = answer.prefix { $0 != UInt8(ascii: "\r") }
        return String(decoding: line.drop { $0 != UInt8(ascii: " ") }.dropFirst(), as: UTF8.self)
    }
}
