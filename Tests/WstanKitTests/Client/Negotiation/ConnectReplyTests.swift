import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct ConnectReplyTests {
    private static let target = Address(host: .name("example.com"), port: 443)

    private static func refusal(_ reply: ConnectReply, _ failure: ExchangeFailure) -> [UInt8] {
        reply.refusal(failure, target: target, here: "127.0.0.1:1080", hasProxy: false)
    }

    private static func unreachable(_ detail: String) -> ExchangeFailure { .reset(.unreachable(target, detail)) }

    /// Every text that a server of ours can put into a reset, and what RFC 1928 section 6 and HTTP have for it.
    private static let causes: [(Connector.Failure, Socks5.Reply, Int)] = [
        (.connect(SystemError(call: "connect", code: ECONNREFUSED)), .connectionRefused, 502),
        (.connect(SystemError(call: "connect", code: ETIMEDOUT)), .hostUnreachable, 504),
        (.connect(SystemError(call: "connect", code: EHOSTUNREACH)), .hostUnreachable, 502),
        (.connect(SystemError(call: "connect", code: EHOSTDOWN)), .hostUnreachable, 502),
        (.connect(SystemError(call: "connect", code: ENETUNREACH)), .networkUnreachable, 502),
        (.connect(SystemError(call: "connect", code: EADDRNOTAVAIL)), .networkUnreachable, 502),
        (.connect(SystemError(call: "connect", code: ECONNRESET)), .generalFailure, 502),
        (.connect(SystemError(call: "connect", code: EMFILE)), .generalFailure, 502),
        (.connect(SystemError(call: "connect", code: EIO)), .generalFailure, 502),
        (.lookUp(.notFound), .hostUnreachable, 502), (.lookUp(.unavailable), .hostUnreachable, 502),
        (.lookUp(.timedOut), .hostUnreachable, 504), (.lookUp(.tooMany), .generalFailure, 502),
        (.lookUp(.cancelled), .generalFailure, 502),
    ]

    @Test func `what the server says of the target is told in each language`() {
        for (cause, reply, status) in Self.causes {
            let failure = Self.unreachable(cause.description)
            #expect(failure.socksReply == reply, "\(cause)")
            #expect(Self.refusal(.socks5, failure) == [5, reply.rawValue, 0, 1, 0, 0, 0, 0, 0, 0])
            #expect(Self.refusal(.socks4, failure) == [0, 0x5b, 0, 0, 0, 0, 0, 0])
            let answer = String(decoding: Self.refusal(.http(asHTML: false), failure), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(cause)")
            #expect(!answer.contains("<html") && answer.contains("Connection: close"))
            #expect(String(decoding: Self.refusal(.http(asHTML: true), failure), as: UTF8.self).contains("<html"))
            #expect(Self.refusal(.none, failure) == [])
        }
        #expect(Set(Self.causes.compactMap { ConnectCause($0.0) }) == Set(ConnectCause.allCases))
    }

    @Test func `what a rule forbids is not allowed`() {
        for key in ["allow-private", "allow", "deny", "another"] {
            let failure = ExchangeFailure.reset(.forbidden(key: key))
            #expect(Self.refusal(.socks5, failure)[1] == 2)
            #expect(Self.refusal(.socks4, failure)[1] == 0x5b)
            let answer = String(decoding: Self.refusal(.http(asHTML: false), failure), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 403 "))
        }
    }

    /// As its asyncio puts it.
    @Test(arguments: [
        ("[Errno 111] Connect call failed ('10.1.2.3', 1)", Socks5.Reply.connectionRefused),
        ("[Errno 110] Connect call failed ('10.1.2.3', 1)", .hostUnreachable),
        ("[Errno 113] Connect call failed ('10.1.2.3', 1)", .hostUnreachable),
        ("[Errno 101] Network is unreachable", .networkUnreachable),
        ("[Errno -2] Name or service not known", .hostUnreachable),
        ("[Errno -3] Temporary failure in name resolution", .hostUnreachable), ("[Errno -9] ?", .generalFailure),
        ("[Errno 1] Operation not permitted", .generalFailure), ("[Errno 0]", .generalFailure),
        ("[Errno 99999999999] ?", .generalFailure), ("[Errno ", .generalFailure), ("[Errno x]", .generalFailure),
        ("Multiple exceptions: [Errno 111]", .generalFailure), ("", .generalFailure),
    ])
    func `a Python server's words are understood`(detail: String, reply: Socks5.Reply) {
        #expect(Self.unreachable(detail).socksReply == reply)
    }

    @Test func `what happens on the way to the server is a general failure, but for a missing network`() {
        let offline = Connector.Failure.connect(SystemError(call: "connect", code: ENETUNREACH))
        let refused = Connector.Failure.connect(SystemError(call: "connect", code: ECONNREFUSED))
        for failure in [DialFailure.unreachable(offline), .proxyUnreachable(offline)] {
            #expect(ExchangeFailure.dial(failure).socksReply == .networkUnreachable)
        }
        let others: [ExchangeFailure] = [
            .dial(.unreachable(refused)), .dial(.proxyUnreachable(refused)),
            .dial(.proxyRefused(.status(403, reason: ""))), .dial(.refused(status: 404, clockAhead: nil)),
            .dial(.notHTTP(.ssh)), .dial(.reset), .dial(.closed(usesTLS: false)), .dial(.timedOut),
            .dial(.tls(.selfSigned)), .dial(.overtaken), .lost, .busy,
            .reset(Reset(reason: "something", detail: "else")),
        ]
        for failure in others { #expect(failure.socksReply == .generalFailure) }
    }

    @Test func `who is not let in is not allowed, and 407 asks for what is wanted`() {
        #expect(ExchangeFailure.notAdmitted.socksReply == .notAllowed)
        #expect(ExchangeFailure.unauthenticated(isWrong: true).socksReply == .notAllowed)
        for isWrong in [false, true] {
            let failure = ExchangeFailure.unauthenticated(isWrong: isWrong)
            let answer = String(decoding: Self.refusal(.http(asHTML: false), failure), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 407 Proxy Authentication Required\r\n"))
            #expect(answer.contains("\r\nProxy-Authenticate: Basic realm=\"wstan\", charset=\"UTF-8\"\r\n"))
        }
        let answer = String(decoding: Self.refusal(.http(asHTML: false), .notAdmitted), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 403 ") && !answer.contains("Proxy-Authenticate"))
    }
}
