@testable import WstanCore

extension FuzzTarget {
    /// The head of an HTTP message is found in the same place however the bytes come, keeps every byte, and answers
    /// every question.
    static let httpHead = FuzzTarget(
        "http-head",
        seeds: [
            "GET /x?y HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\r\nrest",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nDate:\t x \t\r\n\r\n",
            "CONNECT [::1]:443 HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n\r\n",
            "\r\nGET http://a/ HTTP/1.0\nHost: a\n\nrest",
            "\nICY 200 OK\r\nA : b\n c\r\n \r\nX\r\n y\r\nB:\u{0}\rc\r\n\nx", "http/2  200\nA:\n b\n\n",
            "SSH-2.0-x\r\n",
        ].flatMap { text in [UInt8(0), 1].map { [$0, 9, 1, 5, 2] + Array(text.utf8) } }
    ) { input in
        let kind = input.flag() ? HTTPHead.Kind.answer : .request
        let cuts = input.cuts()
        let bytes = input.rest()
        let whole = Gathered(bytes, as: kind, limit: 512, cuts: .none)
        let inPieces = Gathered(bytes, as: kind, limit: 512, cuts: cuts)
        require(whole.length == inPieces.length, "the same end in pieces")
        // What is too large is noticed sooner or later, but always noticed.
        require(whole.failure == inPieces.failure, "the same failure in pieces")
        require(inPieces.held <= 512 + 255 || inPieces.length != nil, "what is held has a bound")
        guard let head = whole.head else { return }
        let read = head.bytes + whole.rest
        require(read.count == bytes.count, "no byte is lost")
        require(zip(read, bytes).allSatisfy { $0 == $1 || kind == .answer && $0 == 32 }, "no byte becomes another")
        if let line = head.requestLine {
            require(!line.method.isEmpty && !line.target.contains(where: { $0 <= 32 }), "a request line without blanks")
        }
        if let status = head.status { require((0...999).contains(status), "three digits") }
        require(head.reason.utf8.count <= 80 && head.reason.utf8.allSatisfy { (32...126).contains($0) }, "visible")
        for name in ["Host", "Connection", "Date", "Cookie", "Sec-WebSocket-Key"] {
            let values = head.values(of: name)
            require((head.value(of: name) != nil) == (values.count == 1), "one value or none")
            require(
                values.allSatisfy { !$0.contains(13) && !$0.contains(10) && !$0.contains(0) }, "a value is one line")
            require(values.allSatisfy { $0.first != 32 && $0.last != 32 }, "a value is trimmed")
        }
        _ = head.hasToken("upgrade", in: "Connection")
        _ = WebSocketHandshake.key(in: head)
        _ = WebSocketHandshake.isAccepted(head, expecting: "x")
    }

    private struct Gathered {
        var head: HTTPHead?
        var failure: HTTPHead.Failure?
        var length: Int?
        var rest: [UInt8] = []
        var held = 0

        init(_ bytes: [UInt8], as kind: HTTPHead.Kind, limit: Int, cuts: Cuts) {
            var gatherer = HeadGatherer(limit: limit, as: kind)
            for piece in cuts.pieces(of: bytes) where head == nil && failure == nil {
                do throws(HTTPHead.Failure) {
                    head = try piece.withBytes { (bytes) throws(HTTPHead.Failure) in try gatherer.append(bytes) }
                } catch {
                    failure = error
                }
                held = gatherer.bytes.count
            }
            length = head?.bytes.count
            rest = Array(gatherer.rest)
        }
    }
}
