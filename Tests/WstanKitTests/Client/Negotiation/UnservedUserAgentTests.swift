import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct UnservedUserAgentTests {
    @Test func `TLS and unknown protocols are mistakes`() {
        #expect(UnservedUserAgent(0x16, answered: nil, .timedOut).mistake == .tls)
        for first in [0, 1, 3, 6, 0x17, 0x20, 0x61, 0x80, 0xff] as [UInt8] {
            #expect(UnservedUserAgent(first, answered: nil, .left).mistake == .unknownProtocol, "\(first)")
        }
        for first in [0x16, 0x61] as [UInt8] {
            let answered = UnservedUserAgent(first, answered: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), .left)
            #expect(answered == UnservedUserAgent(0x47, answered: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), .left))
        }
    }

    @Test func `an early end says how, and how far it came`() {
        func reason(_ first: UInt8?, _ ending: UserAgentEnding) -> String {
            UnservedUserAgent(first, answered: nil, ending).reason
        }
        #expect(reason(nil, .left) == "it left before it sent anything")
        #expect(reason(nil, .timedOut) == "it timed out before it sent anything")
        #expect(reason(5, .reset) == "it reset the connection before its request was complete")
        #expect(reason(0x47, .left) == "it left before its request was complete")
        for first in [nil, 4, 5, 0x41, 0x5a] as [UInt8?] {
            #expect(UnservedUserAgent(first, answered: nil, .left).mistake == nil)
        }
    }

    @Test func `a refusal says what was answered`() {
        func reason(_ first: UInt8, _ answer: [UInt8]) -> String {
            UnservedUserAgent(first, answered: answer, .left).reason
        }
        #expect(reason(5, Socks5.methodSelection(Socks5.Method.notAcceptable)) == "answered 05ff in SOCKS")
        #expect(reason(5, Socks5.reply(.commandNotSupported)) == "answered 0507 in SOCKS")
        #expect(reason(5, Socks5Password.refused) == "answered 0101 in SOCKS")
        #expect(reason(4, Socks4.rejected) == "answered 005b in SOCKS")
        #expect(reason(0x47, Array("HTTP/1.1 400 Bad Request\r\nA: b\r\n".utf8)) == "answered 400 Bad Request")
    }
}
