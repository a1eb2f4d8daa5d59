import WstanBase

/// Reads the answer to a request of ours, piece by piece, up to the head that is final (RFC 9110 section 15.2): interim answers are
/// passed over. No I/O.
package struct AnswerReader {
    /// It is not an answer of HTTP, or a malformed one.
    package struct Failure: Error, Equatable {
        let banner: Banner
    }

    /// The most interim answers that are passed over; the next one is taken for the final one.
    static let mostInterim = 10
    private let limit: Int
    private var gatherer: HeadGatherer
    private var interim = 0

    /// - Parameter limit: bytes of a head.
    package init(limit: Int) {
        self.limit = limit
        gatherer = HeadGatherer(limit: limit, as: .answer)
    }

    /// What has come behind the last head.
    package var rest: ArraySlice<UInt8> { gatherer.rest }

    /// Bytes that wait for more.
    var held: Int { gatherer.bytes.count }

    /// - Returns: the final head; nil when bytes are missing.
    /// - Throws: when no further byte could make it an answer.
    package mutating func append(_ more: [UInt8]) throws(Failure) -> HTTPHead? {
        var more = more
        while true {
            let found: HTTPHead?
            do throws(HTTPHead.Failure) {
                found = try more.withBytes { (bytes) throws(HTTPHead.Failure) in try gatherer.append(bytes) }
            } catch {
                throw Failure(banner: Banner(gatherer.bytes))
            }
            guard let head = found else { return nil }
            guard let status = head.status else { throw Failure(banner: Banner(head.bytes)) }
            guard status / 100 == 1, status != 101, interim < Self.mostInterim else { return head }
            interim += 1
            more = Array(gatherer.rest)
            gatherer = HeadGatherer(limit: limit, as: .answer)
        }
    }
}
