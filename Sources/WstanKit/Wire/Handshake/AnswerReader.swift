import WstanBase

/// Reads the answer to a request of ours, piece by piece, up to the head that is final (RFC 9110 section 15.2): interim answers are
/// passed over. No I/O.
package struct AnswerReader {
    package enum Failure: Error, Equatable {
        /// It is not an answer of HTTP, or a malformed one.
        case malformed(Banner)
        /// A head, or all interim ones together, exceed a limit, which this says: `.firstLineTooLong`, `.tooLong`, `.tooManyFields`
        /// or `.interimAnswersTooLong`.
        case tooLarge(HTTPHead.Failure)
    }

    private let limit: Int
    private var gatherer: HeadGatherer
    private var interimBytes = 0

    /// - Parameter limit: bytes of a head.
    package init(limit: Int) {
        self.limit = limit
        gatherer = HeadGatherer(limit: limit, as: .answer)
    }

    /// What has come behind the last head.
    package var rest: ArraySlice<UInt8> { gatherer.rest }

    /// Bytes that wait for more.
    var held: Int { gatherer.bytes.count }

    /// Whether an answer has begun, be it an interim one.
    var hasBegun: Bool { held > 0 || interimBytes > 0 }

    /// - Returns: the final head; nil when bytes are missing.
    /// - Throws: when no further byte could make it an answer.
    package mutating func append(_ more: [UInt8]) throws(Failure) -> HTTPHead? {
        var more = more
        while true {
            let found: HTTPHead?
            do throws(HTTPHead.Failure) {
                found = try more.withBytes { (bytes) throws(HTTPHead.Failure) in try gatherer.append(bytes) }
            } catch {
                throw failure(error)
            }
            guard let head = found else { return nil }
            guard let status = head.status else { throw .malformed(Banner(head.bytes)) }
            guard status / 100 == 1, status != 101 else { return head }
            // Not their number: how many there are says nothing, and the time is bounded where the bytes come from.
            interimBytes += head.bytes.count
            guard interimBytes <= HTTPLimits.interimAnswers else {
                throw .tooLarge(.interimAnswersTooLong(HTTPLimits.interimAnswers))
            }
            more = Array(gatherer.rest)
            gatherer = HeadGatherer(limit: limit, as: .answer)
        }
    }

    private func failure(_ failure: HTTPHead.Failure) -> Failure {
        switch failure {
        case .firstLineTooLong, .tooLong, .tooManyFields, .interimAnswersTooLong: .tooLarge(failure)
        case .notHTTP, .inTLS, .field, .lineEnd, .list, .length, .status, .unaskedUpgrade, .cutShort, .chunk, .chunkLineTooLong,
            .trailersTooLong:
            .malformed(Banner(gatherer.bytes))
        }
    }
}
