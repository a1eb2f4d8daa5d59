/// How the end of a message's body is found (RFC 9112 section 6.3).
enum MessageBody: Equatable {
    case none
    /// So many bytes, at least one.
    case length(Int)
    case chunked
    /// Answers only: whatever comes until the connection ends.
    case untilClose

    /// What two readers could take for different lengths is how requests are smuggled, so it is refused rather than
    /// repaired.
    init(ofRequest head: HTTPHead) throws(RequestFault) {
        let lengths = head.values(of: "Content-Length")
        let codings = head.values(of: "Transfer-Encoding")
        guard codings.isEmpty else {
            // Section 6.1: both together, or a coding from a 1.0 sender, ought to be handled as an error. Who looks at
            // the first field only, or at the first item, must not find less than who looks at all.
            guard lengths.isEmpty, head.minorVersion > 0, codings.count == 1 else { throw .ambiguousLength }
            guard codings[0].first != UInt8(ascii: ","), Self.endsChunked(head) else { throw .unknownCoding }
            self = .chunked
            return
        }
        guard lengths.count <= 1 else { throw .ambiguousLength }
        guard let value = lengths.first else {
            self = .none
            return
        }
        guard let count = Self.number(value) else { throw .ambiguousLength }
        self = count == 0 ? .none : .length(count)
    }

    /// - Parameter toHEAD: whether it answers a HEAD request.
    init(ofResponse head: HTTPHead, status: Int, toHEAD: Bool) throws(HTTPHead.Failure) {
        if toHEAD || status < 200 || status == 204 || status == 304 {
            self = .none
        } else if !head.values(of: "Transfer-Encoding").isEmpty {
            // Overrides Content-Length, which is not passed on then.
            self = Self.endsChunked(head) ? .chunked : .untilClose
        } else {
            let lengths = head.values(of: "Content-Length")
            guard let first = lengths.first else {
                self = .untilClose
                return
            }
            guard let count = Self.number(first), lengths.allSatisfy({ Self.number($0) == count }) else {
                throw .malformed
            }
            self = count == 0 ? .none : .length(count)
        }
    }

    /// Chunked is applied once, and last (section 6.1).
    private static func endsChunked(_ head: HTTPHead) -> Bool {
        guard let codings = head.listItems(of: "Transfer-Encoding") else { return false }
        let chunked = Array("chunked".utf8)
        return codings.last == chunked && codings.count { $0 == chunked } == 1
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        // The digits alone: Int's own reader takes a sign.
        guard (1...19).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
