@testable import WstanCore

extension FuzzTarget {
    /// An answer makes the same heads, bytes and end however it is cut, and those that somebody sees who looks at all
    /// of it at once.
    static let responseReader = FuzzTarget(
        "response-reader",
        seeds: [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 None\r\n\r\nx",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\nHTTP/1.1",
            "HTTP/1.0 200 OK\r\n\r\nto the end", "HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n\u{0}\u{1}",
            "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "\nHTTP/1.1 100 Go\n\nhttp/1.1  200 OK\nContent-Length : 5\r\nA: b\n c\n\r\nhello", "ICY 200 OK\n\nmusic",
            "\r\r\nHTTP/1.1 200 OK\r\r\nTransfer-Encoding: chunked\r\r\n\r\r\n0003\r\r\nabc\r\r\n00000\r\nA: b\r\r\n",
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n1 ;x\r\nd\n0\nA: b\n\nrest",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\nContent-Length: 3\r\n\r\n3\r\nabc",
        ].flatMap { [[0, 9, 1, 30, 2] + Array($0.utf8), [1, 3, 0, 3, 3] + Array($0.utf8)] }
    ) { input in
        let toHEAD = input.flag()
        let cuts = input.cuts()
        let bytes = input.rest()
        let whole = Heard(bytes, toHEAD: toHEAD, cuts: .none)
        for other in [Heard(bytes, toHEAD: toHEAD, cuts: .everywhere), Heard(bytes, toHEAD: toHEAD, cuts: cuts)] {
            require(whole.isRefused == other.isRefused, "refused in pieces as at once")
            require(whole.statuses == other.statuses && whole.forwarded == other.forwarded, "the same heads in pieces")
            // Of a body that breaks, more or less has been passed on.
            require(whole.isRefused || whole == other, "the same in pieces")
        }
        require(whole.statuses.dropLast().allSatisfy { $0 < 200 && $0 != 101 }, "one answer, and interim ones before")
        guard !whole.isRefused else { return }
        let (reference, isMended) = Heard.reference(bytes, toHEAD: toHEAD)
        let isAsItCame = bytes.reversed().starts(with: (whole.body + whole.surplus).reversed())
        require(isAsItCame || isMended, "no byte is lost or doubled")
        require(!whole.hasEnded || whole.missingEnd == nil, "it ends once")
        require(whole == reference, "as all of it at once")
    }

    fileprivate struct Heard: Equatable {
        var statuses: [Int] = []
        var forwarded: [UInt8] = []
        var body: [UInt8] = []
        var surplus: [UInt8] = []
        var hasEnded = false
        var missingEnd: [UInt8]?
        var isRefused = false

        static let limit = 600

        init() {}

        init(_ bytes: [UInt8], toHEAD: Bool, cuts: Cuts) {
            var reader = ResponseReader(toHEAD: toHEAD, limit: Self.limit)
            for piece in cuts.pieces(of: bytes) where !isRefused {
                piece.withUnsafeBytes { buffer in
                    do throws(HTTPHead.Failure) {
                        try hear(buffer, &reader)
                    } catch {
                        isRefused = true
                    }
                }
            }
            missingEnd = reader.missingEnd
            hasEnded = reader.hasEnded && !isRefused
        }

        private mutating func hear(
            _ buffer: UnsafeRawBufferPointer, _ reader: inout ResponseReader
        ) throws(HTTPHead.Failure) {
            var offset = 0
            while let event = try reader.next(in: buffer, from: &offset) {
                require(offset <= buffer.count, "the offset stays within the bytes")
                switch event {
                case .head(let response):
                    statuses.append(response.status)
                    forwarded += response.forwarded(closing: false, now: 0)
                case .body(let range): body += buffer[range]
                case .missingCR: body.append(13)
                case .end: require(reader.hasEnded, "the end is the end")
                }
            }
            require(reader.hasEnded || offset == buffer.count, "more is wanted only when all is used")
            surplus += buffer[offset...]
        }

        /// For what is not refused; and whether the framing of the body is put right.
        static func reference(_ bytes: [UInt8], toHEAD: Bool) -> (Heard, isMended: Bool) {
            var heard = Heard()
            var isMended = false
            var rest = bytes[...]
            while let end = headEnd(rest) {
                guard let head = try? HTTPHead(Array(rest[..<end]), as: .answer),
                    let response = try? ProxyResponse(head, toHEAD: toHEAD)
                else { fatalError("broken promise: what is not refused can be read") }
                rest = rest[end...]
                heard.statuses.append(response.status)
                heard.forwarded += response.forwarded(closing: false, now: 0)
                guard !response.isInterim else { continue }
                isMended = heard.take(rest, as: response.isUpgrade ? .untilClose : response.body)
                break
            }
            return (heard, isMended)
        }

        /// - Returns: whether its framing is put right.
        private mutating func take(_ rest: ArraySlice<UInt8>, as message: MessageBody) -> Bool {
            var isMended = false
            var reader = BodyReader(message, isTolerant: true)
            var rest = rest
            repeat {
                let count = (try? Array(rest).withBytes { (all) throws(HTTPHead.Failure) in try reader.read(all) }) ?? 0
                body += rest.prefix(count)
                rest = rest.dropFirst(count)
                guard let mend = reader.takeMend() else { break }
                switch mend {
                case .insertCR: body.append(13)
                case .drop: rest = rest.dropFirst()
                }
                isMended = true
            } while true
            missingEnd = reader.hasEnded ? nil : reader.missingEnd
            surplus = Array(rest)
            hasEnded = reader.hasEnded
            return isMended
        }

        /// Behind the first empty line that follows one that is not.
        private static func headEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
            var start = bytes.startIndex
            var hasBegun = false
            while let end = bytes[start...].firstIndex(of: 10) {
                let isEmpty = bytes[start..<end].allSatisfy { $0 == 13 }
                if isEmpty, hasBegun { return end + 1 }
                if !isEmpty { hasBegun = true }
                start = end + 1
            }
            return nil
        }
    }
}
