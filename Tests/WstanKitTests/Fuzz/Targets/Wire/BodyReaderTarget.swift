@testable import WstanCore

extension FuzzTarget {
    /// A body ends in the same place however its bytes are cut, and where somebody else sees the end too; what may be
    /// read never brings more of the next message than is allowed.
    static let bodyReader = FuzzTarget(
        "body-reader",
        seeds: [
            "5\r\nhello\r\n0\r\n\r\nGET", "A;x=\"y\"\r\n0123456789\r\n00\r\nSum: 1\r\nOther:\r\n\r\nrest",
            "1 \r\na\r\n3\r\n\r\n0\r\n0\r\n\r\n\r\n\r\n", "3fffffffffffffff\r\nabc", "0\r\n X: folded\r\n\r\n",
            "0;" + String(repeating: "x", count: 1023) + "\r\n\r\n",
        ].map { [0, 7, 3, 0, 1, 9] + Array($0.utf8) } + [
            [1, 2, 2, 2, 2, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9], [2, 1, 0, 3, 1, 0, 1, 2, 3], [3, 1, 1, 1, 1, 4, 1, 2, 3],
        ], maxLength: 3000
    ) { input in
        let kind = input.below(4)
        let cuts = input.cuts()
        let number = Int(input.byte())
        let bytes = input.rest()
        let body: MessageBody = [.chunked, .length(max(1, number)), .untilClose, .none][kind]
        let whole = Reading(of: bytes, as: body, cuts: .none)
        require(whole == Reading(of: bytes, as: body, cuts: .everywhere), "the same byte by byte")
        require(whole == Reading(of: bytes, as: body, cuts: cuts), "the same in pieces")
        let expected: Int? =
            switch body {
            case .none: 0
            case .length(let count): count <= bytes.count ? count : nil
            case .chunked: ChunkedReference.end(of: bytes)
            case .untilClose: nil
            }
        require(whole.end == expected, "the end is where it is: \(whole) instead of \(expected ?? -1)")
        readCarefully(bytes, as: body, spare: 1 + number % 40, end: expected)
    }

    private struct Reading: Equatable {
        private(set) var end: Int?
        private(set) var failure: HTTPHead.Failure?

        init(of bytes: [UInt8], as body: MessageBody, cuts: Cuts) {
            var reader = BodyReader(body)
            var count = 0
            do throws(HTTPHead.Failure) {
                for piece in cuts.pieces(of: bytes) {
                    let had = reader.hasEnded
                    let certain = reader.mayRead(spare: 0)
                    let used = try piece.withBytes { (bytes) throws(HTTPHead.Failure) in try reader.read(bytes) }
                    require(used <= piece.count, "no more than came")
                    require(used >= min(certain, piece.count), "what was certain belongs to it")
                    require(!had || used == 0 && reader.hasEnded, "nothing belongs to it behind its end")
                    require(reader.hasEnded || used == piece.count, "all of a piece is its, until it ends")
                    count += used
                }
            } catch {
                failure = error
                return
            }
            end = reader.hasEnded ? count : nil
        }
    }

    /// As a driver reads that asks first how much it may.
    private static func readCarefully(_ bytes: [UInt8], as body: MessageBody, spare: Int, end: Int?) {
        var reader = BodyReader(body)
        var position = 0
        while !reader.hasEnded, position < bytes.count {
            let allowed = reader.mayRead(spare: spare)
            require(allowed > 0, "it goes on")
            let piece = Array(bytes[position..<(position + min(allowed, bytes.count - position))])
            position += piece.count
            guard (try? piece.withBytes({ (bytes) throws(HTTPHead.Failure) in try reader.read(bytes) })) != nil else {
                return
            }
        }
        guard let end else { return }
        require(reader.hasEnded && position - end <= spare, "no more of the next message than may be")
    }
}

/// RFC 9112 section 7.1 with all bytes at hand: line by line, nothing remembered.
private enum ChunkedReference {
    /// - Returns: where a chunked body ends, nil if it does not, or is none.
    static func end(of bytes: [UInt8]) -> Int? {
        var position = 0
        while true {
            guard let line = line(of: bytes, at: position), line.count < HTTPLimits.chunkLine else { return nil }
            position += line.count + 2
            guard let size = size(line) else { return nil }
            guard size > 0 else { break }
            guard size <= bytes.count - position, bytes[(position + size)...].starts(with: [13, 10]) else { return nil }
            position += size + 2
        }
        var trailers = 0
        while let line = line(of: bytes, at: position) {
            position += line.count + 2
            trailers += line.count + 1
            guard trailers <= HTTPLimits.trailers else { return nil }
            guard let first = line.first else { return position }
            guard first != 32, first != 9, first != 58 else { return nil }
        }
        return nil
    }

    /// Up to the first CRLF; nil when there is none, or something before it that has no place in a line.
    private static func line(of bytes: [UInt8], at start: Int) -> ArraySlice<UInt8>? {
        let line = bytes[start...].prefix { $0 >= 32 && $0 != 127 || $0 == 9 }
        return bytes[line.endIndex...].starts(with: [13, 10]) ? line : nil
    }

    private static func size(_ line: ArraySlice<UInt8>) -> Int? {
        let digits = line.prefix { Character(UnicodeScalar($0)).isHexDigit && $0 < 128 }
        let rest = line.dropFirst(digits.count).drop { $0 == 32 || $0 == 9 }
        guard (1...16).contains(digits.count), [nil, 59].contains(rest.first) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16).flatMap { $0 < 1 << 62 ? Int($0) : nil }
    }
}
