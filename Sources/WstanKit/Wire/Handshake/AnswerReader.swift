import WstanBase

/// Reads the answer to a client's handshake, piece by piece, up to the head that is final (RFC 9110 section 15.2): interim answers are
/// passed over. No I/O.
struct AnswerReader {
    /// It is not an answer of HTTP, or a malformed one.
    struct Failure: Error, Equatable {
        let banner: Banner
    }

    /// The most interim answers that are passed over; the next one is taken for the final one.
    static let mostInterim = 10
    /// So many bytes tell which protocol a peer speaks.
    private static let telling = 8

    private let limit: Int
    private var gatherer: HeadGatherer
    private var interim = 0

    /// - Parameter limit: bytes of a head.
    init(limit: Int) {
        self.limit = limit
        gatherer = HeadGatherer(limit: limit)
    }

    /// What has come behind the last head.
    var rest: ArraySlice<UInt8> { gatherer.rest }

    /// Bytes that wait for more.
    var held: Int { gatherer.bytes.count }

    /// - Returns: the final head; nil when bytes are missing.
    /// - Throws: when no further byte could make it an answer.
    mutating func append(_ more: [UInt8]) throws(Failure) -> HTTPHead? {
        var more = more
        while true {
            let found: HTTPHead?
            do throws(HTTPHead.Failure) {
                found = try more.withBytes { (bytes) throws(HTTPHead.Failure) in try gatherer.append(bytes) }
            } catch {
                throw Failure(banner: Banner(gatherer.bytes))
            }
            guard let head = found else {
                if let banner = otherProtocol, hasSaidEnough { throw Failure(banner: banner) }
                return nil
            }
            guard let status = head.status else { throw Failure(banner: Banner(head.bytes)) }
            guard status / 100 == 1, status != 101, interim < Self.mostInterim else { return head }
            interim += 1
            more = Array(gatherer.rest)
            gatherer = HeadGatherer(limit: limit)
        }
    }

    /// What the peer speaks if it is not HTTP; nil when it is, or may be.
    var otherProtocol: Banner? {
        let bytes = gatherer.bytes
        let start = "HTTP/".utf8
        guard !bytes.isEmpty, !bytes.prefix(start.count).elementsEqual(start.prefix(bytes.count)) else { return nil }
        return Banner(bytes)
    }

    private var hasSaidEnough: Bool {
        let bytes = gatherer.bytes
        return bytes.count >= Self.telling || bytes.contains(10) || gatherer.beginsInBinary && bytes.count > 1
    }
}
