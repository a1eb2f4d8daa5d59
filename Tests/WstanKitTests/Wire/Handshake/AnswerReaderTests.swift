import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct AnswerReaderTests {
    private static let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    private static let final = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

    private struct Outcome: Equatable {
        var status: Int?
        var rest: [UInt8] = []
        var failure: AnswerReader.Failure?
    }

    private static func read(_ text: String, piecesOf size: Int = .max, limit: Int = 1000) -> Outcome {
        var reader = AnswerReader(limit: limit)
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let piece = Array(bytes.prefix(size))
            bytes = bytes.dropFirst(size)
            do throws(AnswerReader.Failure) {
                if let head = try reader.append(piece) {
                    return Outcome(status: head.status, rest: Array(reader.rest + bytes))
                }
            } catch {
                return Outcome(failure: error)
            }
        }
        return Outcome()
    }

    /// RFC 9110 section 15.2: a client must be able to parse one or more 1xx answers before the final one.
    @Test(arguments: [Int.max, 1, 7])
    func `interim answers are passed over, however they arrive`(size: Int) {
        let processing = "HTTP/1.1 102 Processing\r\n\r\n"
        let goOn = "HTTP/1.1 100 Continue\r\n\r\n"
        for text in ["", Self.hints, processing, goOn, Self.hints + processing + goOn + Self.hints] {
            #expect(Self.read(text + Self.final + "ab", piecesOf: size) == Outcome(status: 101, rest: [97, 98]))
            #expect(Self.read(text + "HTTP/1.1 404 No\r\n\r\n", piecesOf: size).status == 404)
        }
    }

    /// Ten were, and the next one was taken for the final one.
    @Test func `their bytes are bounded, and not their number`() {
        func read(_ count: Int) -> Outcome { Self.read(String(repeating: Self.hints, count: count) + Self.final) }
        let most = HTTPLimits.interimAnswers / Self.hints.utf8.count
        for count in [1, 11, 1000, most] { #expect(read(count).status == 101) }
        #expect(read(most + 1).failure == .tooLarge(.interimAnswersTooLong(HTTPLimits.interimAnswers)))
    }

    @Test func `an answer has begun with its first byte, and stays so behind interim ones`() throws {
        var reader = AnswerReader(limit: 1000)
        #expect(!reader.hasBegun)
        #expect(try reader.append(Array("H".utf8)) == nil && reader.hasBegun)
        #expect(try reader.append(Array("TTP/1.1 100 Continue\r\n\r\n".utf8)) == nil && reader.hasBegun && reader.held == 0)
    }

    @Test func `no beginning of an answer is one`() {
        let text = Self.hints + Self.final
        for count in 0..<text.utf8.count {
            #expect(Self.read(String(decoding: text.utf8.prefix(count), as: UTF8.self)) == Outcome())
        }
    }

    @Test func `each head has its own limit`() {
        let long = "HTTP/1.1 103 X\r\nA: " + String(repeating: "a", count: 500) + "\r\n\r\n"
        #expect(Self.read(long + long + Self.final).status == 101)
        #expect(Self.read(long + long + Self.final, limit: 500).failure == .tooLarge(.tooLong(500)))
        let line = "HTTP/1.1 200 " + String(repeating: "a", count: 2000)
        #expect(Self.read(line).failure == .tooLarge(.firstLineTooLong(1000)))
        let fields = "HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 1001) + "\r\n"
        #expect(Self.read(fields, limit: 10_000).failure == .tooLarge(.tooManyFields(1000)))
    }

    @Test(arguments: [
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", Banner.ssh), ("220 mail.test ESMTP\r\n", .text("220 mail.test ESMTP")),
        ("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}F", .tls), ("\u{0}\u{0}\u{12}\u{4}", .binary),
        ("HTTP/1.1 20 OK\r\n\r\n", .http),
        ("GET / HTTP/1.1\r\n", .http), ("\u{1b}[2J\r\n", .binary),
        (String(repeating: "x", count: 500), .text(String(repeating: "x", count: 60))),
    ])
    func `another protocol is known by its first bytes`(text: String, banner: Banner) {
        #expect(Self.read(text).failure == .malformed(banner))
    }

    @Test func `a request for a WebSocket is known in plain text`() {
        let head = "GET /x HTTP/1.1\r\nHost: a\r\nUPGRADE:  WebSocket\r\n"
        #expect(Banner(head.utf8) == .webSocket)
        #expect(Banner("GET /Upgrade:websocket HTTP/1.1\r\nHost: a\r\n".utf8) == .http)
        #expect(Banner([UInt8]()) == .nothing)
    }
}
