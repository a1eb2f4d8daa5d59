import WstanBase

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
            // Section 6.1: both together, or a coding from a 1.0 sender, ought to be handled as an error. A reader of
            // the first field only, or of the first item, must not find less than a reader of all.
            guard lengths.isEmpty, head.minorVersion > 0, codings.count == 1 else { throw .ambiguousLength }
            guard codings[0].first != UInt8(ascii: ","), Self.endsChunked(head) else {
                throw .unknownCoding(Printable.ascii(codings[0].prefix(40)))
            }
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
        } else if Self.isCoded(head) {
            // Overrides Content-Length, which is not passed on then.
            self = Self.endsChunked(head) ? .chunked : .untilClose
        } else {
            self =
                switch try Self.length(ofResponse: head) {
                case nil: .untilClose
                case 0: .none
                case let count?: .length(count)
                }
        }
    }

    /// Whether an answer is in a transfer coding. `identity` meant that it is not (RFC 2616); old servers send it beside a
    /// length.
    static func isCoded(_ head: HTTPHead) -> Bool {
        guard let codings = head.listItems(of: "Transfer-Encoding") else { return true }
        return !codings.allSatisfy { $0.elementsEqual("identity".utf8) }
    }

    /// The one length that all fields give, and all items of them: some servers add a second one, or join two (RFC 9110
    /// section 8.6). nil without such a field.
    static func length(ofResponse head: HTTPHead) throws(HTTPHead.Failure) -> Int? {
        let values = head.values(of: "Content-Length")
        guard !values.isEmpty else { return nil }
        let items = values.flatMap { $0.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) }
        guard let count = items.first.flatMap({ number($0.trimmed) }), items.allSatisfy({ number($0.trimmed) == count })
        else { throw .length(Printable.ascii(values.joined(separator: ", ".utf8).prefix(40))) }
        return count
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
