import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct HeadGathererTests {
    private static let head = "GET /path HTTP/1.1\r\nHost: example.com\r\nX: \r\n\r\n"

    private enum Outcome: Equatable {
        case head([UInt8], rest: [UInt8])
        case incomplete
        case failed(HTTPHead.Failure)
    }

    /// Feeds `bytes` in pieces and stops at the head, after which the rest of them comes with the last piece.
    private static func gather(
        _ bytes: [UInt8], as kind: HTTPHead.Kind = .request, limit: Int, pieceSize: () -> Int
    ) -> Outcome {
        var gatherer = HeadGatherer(limit: limit, as: kind)
        var start = 0
        do throws(HTTPHead.Failure) {
            while start < bytes.count {
                let end = min(bytes.count, start + pieceSize())
                let head = try Array(bytes[start..<end]).withBytes { (piece) throws(HTTPHead.Failure) in
                    try gatherer.append(piece)
                }
                start = end
                if let head { return .head(head.bytes, rest: Array(gatherer.rest) + bytes[end...]) }
            }
        } catch {
            return .failed(error)
        }
        return gatherer.bytes == bytes ? .incomplete : .failed(.notHTTP)
    }

    @Test func `a head is found however its bytes come, and what follows is kept`() {
        let head = Array(Self.head.utf8)
        let rest: [UInt8] = [13, 10, 13, 10, 0, 1, 2, 255]
        var random = SeededRandomness(seed: 18)
        for size in 1...80 {
            #expect(Self.gather(head + rest, limit: 1000) { size } == .head(head, rest: rest))
        }
        for _ in 0..<300 {
            #expect(Self.gather(head + rest, limit: 1000) { 1 + random.below(9) } == .head(head, rest: rest))
        }
    }

    /// TLS at a listener without it waited for the deadline.
    @Test func `what begins with no letter of a method is refused at once`() {
        for byte in UInt8.min...UInt8.max {
            let mayBegin = byte == 13 || byte == 10 || HTTPHead.isTokenByte(byte)
            for size in [1, 2] {
                #expect(Self.gather([byte, 65], limit: 100) { size } == (mayBegin ? .incomplete : .failed(.notHTTP)))
            }
        }
    }

    @Test func `a head cut at any length is incomplete`() {
        let head = Array(Self.head.utf8)
        for count in 0..<head.count {
            for size in [1, 1000] { #expect(Self.gather(Array(head[..<count]), limit: 1000) { size } == .incomplete) }
        }
    }

    @Test(arguments: [1, 3, 4096])
    func `a head of exactly the limit is taken, one byte more is not`(size: Int) {
        let head = Array(Self.head.utf8)
        #expect(Self.gather(head, limit: head.count) { size } == .head(head, rest: []))
        #expect(Self.gather(head, limit: head.count - 1) { size } == .failed(.tooLong(head.count - 1)))
        // What follows a head does not count.
        let more = [UInt8](repeating: 65, count: 5000)
        #expect(Self.gather(head + more, limit: head.count) { size } == .head(head, rest: more))
        // Without an end the limit still holds.
        #expect(Self.gather(Array(more[..<100]), limit: 100) { size } == .incomplete)
        #expect(Self.gather(Array(more[..<101]), limit: 100) { size } == .failed(.firstLineTooLong(100)))
    }

    /// Searching all of it for every byte would be 4.8 billion steps.
    @Test func `96 KiB that drip byte by byte are searched once`() {
        var bytes = Array("GET / HTTP/1.1\r\nCookie: ".utf8)
        bytes += [UInt8](repeating: 0x78, count: 96 * 1024 - bytes.count - 4)
        let end = Array("\r\n\r\n".utf8)
        #expect(Self.gather(bytes + end, limit: 96 * 1024) { 1 } == .head(bytes + end, rest: []))
    }

    @Test func `line ends that are nearly an end are none`() {
        for text in ["\r\n\r", "\r\r\n", "\n", "\n\r", "\n\r\r\n", "a\r\n\rb\r\n", "\r\n \r\n"] {
            #expect(Self.gather(Array("GET / HTTP/1.1\r\na\(text)x".utf8), limit: 1000) { 1 } == .incomplete)
        }
    }

    /// All of them in all pieces: no state of the search may depend on what has not come.
    @Test(arguments: [HTTPHead.Kind.request, .answer])
    func `every short head ends at the same byte however it is cut`(kind: HTTPHead.Kind) {
        let alphabet: [UInt8] = [UInt8(ascii: "a"), 13, 10, UInt8(ascii: ":")]
        for length in 1...8 {
            for number in 0..<(1 << (2 * length)) {
                let bytes = (0..<length).map { alphabet[number >> (2 * $0) & 3] }
                let end = bytes.withUnsafeBytes { all in
                    var whole = HeadEnd(of: kind)
                    return whole.find(in: all)
                }
                var wrong = end != Self.endOfHead(bytes, kind)
                for cuts in 0..<(1 << (length - 1)) where !wrong {
                    var search = HeadEnd(of: kind)
                    var found: Int?
                    for count in 1...length where found == nil && (count == length || cuts >> (count - 1) & 1 == 1) {
                        found = bytes.withUnsafeBytes { search.find(in: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                    }
                    wrong = found != end
                }
                if wrong { Issue.record("\(String(decoding: bytes, as: UTF8.self).debugDescription)") }
            }
        }
    }

    /// Told by the lines: behind the first empty one that follows one that is not.
    private static func endOfHead(_ bytes: [UInt8], _ kind: HTTPHead.Kind) -> Int? {
        var start = 0
        var hasBegun = false
        while let end = bytes[start...].firstIndex(of: 10) {
            let line = bytes[start..<end]
            let isEmpty = line.allSatisfy { $0 == 13 } && (line.count < 2 || kind == .answer || !hasBegun)
            if isEmpty, hasBegun { return end + 1 }
            hasBegun = hasBegun || !isEmpty
            start = end + 1
        }
        return nil
    }

    /// An answer whose lines end in CR CR LF was waited for until its connection's end.
    @Test func `in an answer CRs before the LF end a line`() throws {
        let rest = Array("\r\nrest".utf8)
        for text in [
            "HTTP/1.1 200 OK\r\r\nA: b\r\r\n\r\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\r\r\r\n", "\r\r\nHTTP/1.1 200 OK\r\r\nA: b\n\r\r\n",
            "\r\rHTTP/1.1 200 OK\nA: b\r\r\n\n",
        ] {
            let bytes = Array(text.utf8)
            for size in 1...30 {
                guard case .head(let head, rest) = Self.gather(bytes + rest, as: .answer, limit: 1000, pieceSize: { size }) else {
                    Issue.record("\(text.debugDescription) in pieces of \(size)")
                    continue
                }
                #expect(head.count == bytes.count)
            }
            let head = try HTTPHead(bytes, as: .answer)
            #expect(head.status == 200 && head.reason == "OK" && head.allFields.count == 1)
            #expect(head.value(of: "A").map(Array.init) == Array("b".utf8))
        }
        // A CR that ends no line is still a blank, and begins a line that is not empty.
        let folded = try HTTPHead(Array("HTTP/1.1 200 OK\r\nA: b\rc\r\n\rd\r\n\r\n".utf8), as: .answer)
        #expect(folded.value(of: "A").map(Array.init) == Array("b c   d".utf8))
    }

    /// RFC 9112 section 2.2. An answer of a device waited for its connection's end, and was no answer then.
    @Test func `LF alone ends a head, and empty lines may come before it`() {
        let rest = Array("\n\nrest".utf8)
        for (text, kind) in [
            ("GET / HTTP/1.0\nA: b\n\n", HTTPHead.Kind.request), ("GET / HTTP/1.0\n\r\n", .request),
            ("\r\n\n\r\nGET / HTTP/1.0\r\nA: b\r\n\r\n", .request), ("HTTP/1.0 200 OK\nA: b\n\n", .answer),
            ("\nHTTP/1.0 200 OK\r\nA: b\r\n\n", .answer), ("ICY 200 OK\r\nA: b\n\r\n", .answer),
        ] {
            let head = Array(text.utf8)
            for size in 1...30 {
                #expect(Self.gather(head + rest, as: kind, limit: 1000) { size } == .head(head, rest: rest), "\(text)")
            }
        }
        // The limit holds for empty lines too.
        let lines = [UInt8](repeating: 10, count: 101)
        for size in [1, 1000] { #expect(Self.gather(lines, limit: 100) { size } == .failed(.firstLineTooLong(100))) }
        // Which line may end so is for the reader of heads to say, but it says it at once.
        #expect(Self.gather(Array("GET / HTTP/1.1\r\nA: b\n\n".utf8), limit: 100) { 1 } == .failed(.lineEnd))
    }

    /// The end of what cannot become an answer is not awaited: a banner's sender may be waiting for us.
    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.2\r\n", "<html>", "220 ready\r\n", "HTTP/1.1\n", "\r\nx", "HTTP/1.1 x\r\nA: b",
    ])
    func `what begins no answer is malformed at once`(text: String) {
        for size in [1, 3, 1000] {
            #expect(Self.gather(Array(text.utf8), as: .answer, limit: 1000) { size } == .failed(.notHTTP))
        }
        for count in 1..<"HTTP/1.1 200 OK\r\n".utf8.count {
            let begun = Array("HTTP/1.1 200 OK\r\n".utf8.prefix(count))
            #expect(Self.gather(begun, as: .answer, limit: 1000) { 1 } == .incomplete)
        }
        let endless = Array("HTTP/1.1 \(String(repeating: "1", count: 100))\r\n".utf8)
        for size in [1, 1000] {
            #expect(Self.gather(endless, as: .answer, limit: 100) { size } == .failed(.firstLineTooLong(100)))
        }
        for type: UInt8 in [0x15, 0x16] {
            #expect(Self.gather([type, 3, 3, 0, 2], as: .answer, limit: 100) { 1 } == .failed(.inTLS))
        }
    }

    /// HTTP/0.9, and other protocols: who sends no more waits for us.
    @Test(arguments: [
        "GET http://h/\r\n", "HELO\n", "\r\nGET / http/1.1\r\n", "CONNECT h:80\r\n", "GET  / HTTP/1.1\r\n",
    ])
    func `what begins no request is refused at once`(text: String) {
        for size in [1, 3, 1000] { #expect(Self.gather(Array(text.utf8), limit: 1000) { size } == .failed(.notHTTP)) }

    }

    @Test func `mutated heads never trap, and the pieces make no difference`() {
        var random = SeededRandomness(seed: 19)
        let head = Array(Self.head.utf8)
        let answer = Array("HTTP/1.1 200 OK\nA : b\r\n c\r\n\n".utf8)
        for round in 0..<8000 {
            let kind = round % 2 == 0 ? HTTPHead.Kind.request : .answer
            let bytes = Mutation.of(kind == .request ? head : answer, &random)
            let whole = Self.gather(bytes, as: kind, limit: 70) { 1000 }
            let drip = Self.gather(bytes, as: kind, limit: 70) { 1 }
            if whole != drip { Issue.record("\(String(decoding: bytes, as: UTF8.self).debugDescription)") }
        }
    }
}
