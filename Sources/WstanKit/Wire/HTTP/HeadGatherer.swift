import WstanBase

/// Gathers bytes until they hold a whole HTTP head, and keeps all of them: what follows the head, and, until it
/// is decided what to do about it, the head as it came.
struct HeadGatherer {
    private(set) var bytes: [UInt8] = []
    private let limit: Int
    private let kind: HTTPHead.Kind
    /// Where the first line begins, behind empty ones, and where it ends.
    private var start = 0
    private var firstLineEnd: Int?
    /// No head ends before this byte, so that dripping it byte by byte does not make it be searched again and again.
    private var searched = 0
    private var length = 0

    init(limit: Int, as kind: HTTPHead.Kind = .request) {
        self.limit = limit
        self.kind = kind
    }

    /// - Returns: the head when it is complete, nil when more bytes are needed.
    /// - Throws: `.tooLong` when it has not ended within `limit` bytes; then `limit` and one read are all that is
    ///   held. `.notHTTP` as soon as the first line shows it.
    mutating func append(_ more: UnsafeRawBufferPointer) throws(HTTPHead.Failure) -> HTTPHead? {
        bytes.append(more, within: limit)
        let end = headEnd()
        try checkFirstLine()
        guard (end ?? bytes.count) <= limit else {
            throw isFirstLineWithin ? .tooLong(limit) : .firstLineTooLong(limit)
        }
        guard let end else { return nil }
        length = end
        return try HTTPHead(Array(bytes[..<end]), as: kind)
    }

    /// What came behind the head.
    var rest: ArraySlice<UInt8> { bytes[length...] }

    private var isFirstLineWithin: Bool { firstLineEnd.map { $0 < limit } ?? false }

    /// What begins no message is not awaited to its end: who sends it may be waiting for us.
    private func checkFirstLine() throws(HTTPHead.Failure) {
        if kind == .answer, start < bytes.count {
            if Self.recordsOfTLS.contains(bytes[start]) { throw .inTLS }
            guard StatusLine.mayBegin(bytes[start...]) else { throw .notHTTP }
        }
        if kind == .request {
            let first = bytes[start...].prefix(Self.looked)
            let behindMethod = first.drop(while: HTTPHead.isTokenByte).first ?? UInt8(ascii: " ")
            guard behindMethod == UInt8(ascii: " "), first.first != behindMethod else { throw .notHTTP }
        }
        // A line that is longer than a head may be is too long, whatever it says.
        guard let firstLineEnd, isFirstLineWithin else { return }
        let line = bytes[start..<firstLineEnd]
        let text = line.last == 13 ? line.dropLast() : line
        guard kind == .answer ? StatusLine(text) != nil : HTTPHead.mayBeRequestLine(text) else { throw .notHTTP }
    }

    /// The bytes of a request that are looked at each time; few methods are longer.
    private static let looked = 32
    /// An alert, and a handshake message: what a server sends that was awaiting TLS.
    private static let recordsOfTLS: ClosedRange<UInt8> = 0x15...0x16

    /// RFC 9112 section 2.2: a line may end in LF alone. Whether this one may is for the head's reader to say.
    private mutating func headEnd() -> Int? {
        bytes.withUnsafeBytes { buffer in
            while firstLineEnd == nil, start < buffer.count, buffer[start] == 13 || buffer[start] == 10 { start += 1 }
            var index = max(searched, start)
            while index < buffer.count {
                if buffer[index] == 10 {
                    if firstLineEnd == nil { firstLineEnd = index }
                    let next = index + 1 < buffer.count && buffer[index + 1] == 13 ? index + 2 : index + 1
                    guard next < buffer.count else { break }
                    if buffer[next] == 10 { return next + 1 }
                }
                index += 1
            }
            searched = index
            return nil
        }
    }
}
