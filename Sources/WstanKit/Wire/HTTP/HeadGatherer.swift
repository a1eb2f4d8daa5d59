/// Gathers bytes until they hold a whole HTTP head, and keeps all of them: what follows the head, and, until somebody
/// has decided what to do about it, the head as it came.
struct HeadGatherer {
    private(set) var bytes: [UInt8] = []
    private let limit: Int
    /// No head ends before this byte, so that dripping it byte by byte does not make it be searched again and again.
    private var searched = 0
    private var length = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// - Returns: the head when it is complete, nil when more bytes are needed.
    /// - Throws: `.tooLarge` when it has not ended within `limit` bytes; then `limit` and one read are all that is
    ///   held.
    mutating func append(_ more: UnsafeRawBufferPointer) throws(HTTPHead.Failure) -> HTTPHead? {
        bytes.append(contentsOf: more)
        guard let end = headEnd() else {
            guard bytes.count <= limit else { throw .tooLarge }
            return nil
        }
        guard end <= limit else { throw .tooLarge }
        length = end
        return try HTTPHead(Array(bytes[..<end]))
    }

    /// Whether the first byte is one that no text begins with, so that no head can come of it.
    var beginsInBinary: Bool {
        guard let first = bytes.first else { return false }
        return first >= 0x7f || first < 0x20 && first != 13 && first != 10
    }

    /// What came behind the head.
    var rest: ArraySlice<UInt8> { bytes[length...] }

    private mutating func headEnd() -> Int? {
        bytes.withUnsafeBytes { buffer in
            var index = searched
            while index + 3 < buffer.count {
                // Steps over what cannot be part of an end: most bytes are neither CR nor LF.
                if buffer[index + 3] > 13 {
                    index += 4
                } else if buffer[index] == 13, buffer[index + 1] == 10, buffer[index + 2] == 13, buffer[index + 3] == 10
                {
                    return index + 4
                } else {
                    index += 1
                }
            }
            searched = max(0, min(index, buffer.count - 3))
            return nil
        }
    }
}
