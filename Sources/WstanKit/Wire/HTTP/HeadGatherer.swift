import WstanBase

/// Gathers bytes until they hold a whole HTTP head, and keeps all of them: what follows the head, and, until it
/// is decided what to do about it, the head as it came.
struct HeadGatherer {
    private(set) var bytes: [UInt8] = []
    private let limit: Int
    private let kind: HTTPHead.Kind
    /// It looks at each byte once, so that a head that drips is not searched again and again.
    private var headEnd: HeadEnd
    private var length = 0

    init(limit: Int, as kind: HTTPHead.Kind = .request) {
        self.limit = limit
        self.kind = kind
        headEnd = HeadEnd(of: kind)
    }

    /// - Returns: the head when it is complete, nil when more bytes are needed.
    /// - Throws: `.tooLong` when it has not ended within `limit` bytes; then `limit` and one read are all that is
    ///   held. `.notHTTP` as soon as the first line shows it.
    mutating func append(_ more: UnsafeRawBufferPointer) throws(HTTPHead.Failure) -> HTTPHead? {
        bytes.append(more, within: limit)
        let end = bytes.withUnsafeBytes { headEnd.find(in: $0) }
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

    private var start: Int { headEnd.start }
    private var isFirstLineWithin: Bool { headEnd.firstLineEnd.map { $0 < limit } ?? false }

    /// What begins no message is not awaited to its end: the sender may be waiting for us.
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
        guard let firstLineEnd = headEnd.firstLineEnd, isFirstLineWithin else { return }
        let line = bytes[start..<firstLineEnd]
        let text = line.last == 13 ? line.dropLast() : line
        guard kind == .answer ? StatusLine(text) != nil : HTTPHead.mayBeRequestLine(text) else { throw .notHTTP }
    }

    /// The bytes of a request that are looked at each time; few methods are longer.
    private static let looked = 32
    /// An alert, and a handshake message: what a server sends that was awaiting TLS.
    private static let recordsOfTLS: ClosedRange<UInt8> = 0x15...0x16
}
