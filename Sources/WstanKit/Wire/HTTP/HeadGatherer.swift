/// Gathers bytes until they hold a whole HTTP head, and keeps all of them: what follows the head, and, until somebody
/// has decided what to do about it, the head as it came.
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
    /// - Throws: `.tooLarge` when it has not ended within `limit` bytes; then `limit` and one read are all that is
    ///   held. `.malformed` at once where an answer is awaited, and something else begins.
    mutating func append(_ more: UnsafeRawBufferPointer) throws(HTTPHead.Failure) -> HTTPHead? {
        bytes.append(contentsOf: more)
        let end = headEnd()
        guard kind == .request || mayBeAnswer else { throw .malformed }
        guard let end else {
            guard bytes.count <= limit else { throw .tooLarge }
            return nil
        }
        guard end <= limit else { throw .tooLarge }
        length = end
        return try HTTPHead(Array(bytes[..<end]), as: kind)
    }

    /// Whether the first byte is one that no text begins with, so that no head can come of it.
    var beginsInBinary: Bool {
        guard let first = bytes.first else { return false }
        return first >= 0x7f || first < 0x20 && first != 13 && first != 10
    }

    /// What came behind the head.
    var rest: ArraySlice<UInt8> { bytes[length...] }

    private var mayBeAnswer: Bool {
        // A line that is longer than a head may be is too large, whatever it says.
        guard let firstLineEnd, firstLineEnd < limit else { return StatusLine.mayBegin(bytes[start...]) }
        let line = bytes[start..<firstLineEnd]
        return StatusLine(line.last == 13 ? line.dropLast() : line) != nil
    }

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
