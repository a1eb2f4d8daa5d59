/// Reads what a target answers to one request: interim answers, the answer, and where it ends. The same events come
/// however the bytes are cut.
struct ResponseReader {
    enum Event {
        /// An answer's head; after an interim one another head follows.
        case head(ProxyResponse)
        /// Bytes of the body, by their place in the piece. Of another protocol after an upgrade.
        case body(Range<Int>)
        /// Of the body's framing, where a line ended in LF alone: to be put in before that.
        case missingCR
        case end
    }

    private enum State {
        /// Can become: body, ended.
        case head(HeadGatherer)
        /// Can become: ended.
        case body(BodyReader)
        case ended
    }

    private let toHEAD: Bool
    private let limit: Int
    private var state: State
    /// Of the heads of interim answers.
    private var interimBytes = 0

    /// A piece of a large body is not copied into the gatherer with the head before it.
    private static let step = 4096

    /// - Parameters:
    ///   - toHEAD: whether the request was a HEAD.
    ///   - limit: of a head.
    init(toHEAD: Bool, limit: Int) {
        self.toHEAD = toHEAD
        self.limit = limit
        state = .head(HeadGatherer(limit: limit, as: .answer))
    }

    var hasEnded: Bool {
        if case .ended = state { true } else { false }
    }

    /// Bytes of a head that has not come to its end.
    var held: Int {
        if case .head(let gatherer) = state { gatherer.bytes.count } else { 0 }
    }

    /// What is to be added if the connection ends now in good order, and the answer with it; nil: it does not end so.
    var missingEnd: [UInt8]? {
        if case .body(let reader) = state { reader.missingEnd } else { nil }
    }

    /// - Parameter offset: where the piece goes on; moved on.
    /// - Returns: nil when more bytes are needed, or the answer has ended: what is left of the piece then was not asked
    ///   for.
    mutating func next(
        in bytes: UnsafeRawBufferPointer, from offset: inout Int
    ) throws(HTTPHead.Failure) -> Event? {
        switch state {
        case .head(var gatherer):
            // Let go of here, or each append would copy it.
            state = .ended
            while offset < bytes.count {
                let piece = UnsafeRawBufferPointer(
                    rebasing: bytes[offset..<min(bytes.count, offset + Self.step)])
                offset += piece.count
                guard let head = try gatherer.append(piece) else { continue }
                offset -= gatherer.rest.count
                let response = try ProxyResponse(head, toHEAD: toHEAD)
                if response.isInterim { interimBytes += head.bytes.count }
                guard interimBytes <= HTTPLimits.interimAnswers else {
                    throw .interimAnswersTooLong(HTTPLimits.interimAnswers)
                }
                state =
                    if response.isInterim {
                        .head(HeadGatherer(limit: limit, as: .answer))
                    } else {
                        .body(BodyReader(response.isUpgrade ? .untilClose : response.body, isTolerant: true))
                    }
                return .head(response)
            }
            state = .head(gatherer)
            return nil
        case .body(var reader):
            let mend = reader.takeMend()
            state = .body(reader)
            switch mend {
            case .insertCR: return .missingCR
            case .drop: offset += 1
            case nil: break
            }
            if reader.hasEnded {
                state = .ended
                return .end
            }
            guard offset < bytes.count else { return nil }
            let count = try reader.read(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
            defer { offset += count }
            state = .body(reader)
            return .body(offset..<(offset + count))
        case .ended:
            return nil
        }
    }
}
