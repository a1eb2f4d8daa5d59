import WstanBase

/// Finds the end of a chunked body (RFC 9112 section 7.1) without taking it apart: it is passed on as it came, of an answer
/// with its framing put right, so that every reader finds the same end.
struct ChunkReader {
    /// What the framing of an answer may be put right by, at the place where `read` has stopped.
    enum Mend {
        /// An LF ends a line alone.
        case insertCR
        /// The next byte is a CR before another one, or a leading zero behind another one: some readers take 16 digits.
        case drop
    }

    private enum State {
        /// The digits of a chunk's size. Can become: blanks, extension, sizeEnd.
        case size
        /// Some servers write blanks behind the size. Can become: extension, sizeEnd.
        case blanks
        /// Chunk extensions mean nothing to us (section 7.1.1). Can become: sizeEnd.
        case `extension`
        /// The LF behind a size. Can become: data, trailerStart.
        case sizeEnd
        /// Can become: dataCR.
        case data
        case dataCR
        /// Can become: size.
        case dataLF
        /// A trailer field, or the end. Can become: trailer, lastLF.
        case trailerStart
        /// Can become: trailerLF.
        case trailer
        /// Can become: trailerStart.
        case trailerLF
        /// Can become: ended.
        case lastLF
        case ended
    }

    /// Whether a line may end in LF alone, as in answers (RFC 9112 section 2.2), or in CR CR LF.
    private let isTolerant: Bool
    private var state = State.size
    /// The size as far as it was read, then what is left of the chunk.
    private var left = 0
    private var digits = 0
    private var lineLength = 0
    private var trailersLength = 0
    private var mend: Mend?

    init(isTolerant: Bool = false) {
        self.isTolerant = isTolerant
    }

    /// Bytes that certainly belong to the body, beyond those that were read.
    var certain: Int { left }

    /// - Returns: how many of `bytes`, from the first on, belong to the body, and whether it ended with them.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(HTTPHead.Failure) -> (count: Int, hasEnded: Bool) {
        var index = 0
        while index < bytes.count, state != .ended, mend == nil {
            if state == .data {
                let count = min(left, bytes.count - index)
                left -= count
                index += count
                if left == 0 { state = .dataCR }
            } else if isTolerant, let found = beginMend(before: bytes[index]) {
                if found == .drop { try boundLine() }
                mend = found
            } else {
                try consume(bytes[index])
                index += 1
            }
        }
        return (index, state == .ended)
    }

    /// - Returns: what is to be done where `read` has stopped, before it goes on.
    mutating func takeMend() -> Mend? {
        defer { mend = nil }
        return mend
    }

    /// What would end the body if nothing more came, once all of its data is there and no line of its trailer is begun: some
    /// servers close the connection there. nil: it is cut short.
    var missingEnd: [UInt8]? {
        guard isTolerant, mend == nil else { return nil }
        switch state {
        case .sizeEnd where left == 0: return [10, 13, 10]
        case .trailerStart: return [13, 10]
        case .lastLF: return [10]
        case .ended: return []
        case .size, .blanks, .extension, .sizeEnd, .data, .dataCR, .dataLF, .trailer, .trailerLF: return nil
        }
    }

    /// Goes on to the state behind a CR that is to be inserted.
    ///
    /// - Returns: nil when `byte` is right as it is.
    private mutating func beginMend(before byte: UInt8) -> Mend? {
        switch (state, byte) {
        case (.size, UInt8(ascii: "0")): return digits == 1 && left == 0 ? .drop : nil
        case (.sizeEnd, 13), (.dataLF, 13), (.trailerLF, 13), (.lastLF, 13): return .drop
        case (_, 10):
            guard let expected = stateBehindCR else { return nil }
            state = expected
            return .insertCR
        default: return nil
        }
    }

    /// Where a CR would lead from here; nil where none is expected.
    private var stateBehindCR: State? {
        switch state {
        case .size: digits > 0 ? .sizeEnd : nil
        case .blanks, .extension: .sizeEnd
        case .dataCR: .dataLF
        case .trailerStart: .lastLF
        case .trailer: .trailerLF
        case .sizeEnd, .data, .dataLF, .trailerLF, .lastLF, .ended: nil
        }
    }

    private mutating func consume(_ byte: UInt8) throws(HTTPHead.Failure) {
        switch state {
        case .size: try takeSize(byte)
        case .blanks:
            try boundLine()
            guard byte != 32, byte != 9 else { return }
            try takeSizeEnd(byte)
        case .extension:
            try boundLine()
            if byte == 13 { state = .sizeEnd } else { try refuseControl(byte) }
        case .sizeEnd:
            try demand(byte, 10)
            state = left == 0 ? .trailerStart : .data
            digits = 0
            lineLength = 0
        case .dataCR:
            try demand(byte, 13)
            state = .dataLF
        case .dataLF:
            try demand(byte, 10)
            state = .size
        case .trailerStart:
            try boundTrailers()
            // A line that begins with white space is obsolete folding, one with a colon has no name.
            guard byte != 32, byte != 9, byte != 58 else { throw .chunk }
            if byte == 13 { state = .lastLF } else { state = .trailer }
            if byte != 13 { try refuseControl(byte) }
        case .trailer:
            try boundTrailers()
            if byte == 13 { state = .trailerLF } else { try refuseControl(byte) }
        case .trailerLF:
            try demand(byte, 10)
            state = .trailerStart
        case .lastLF:
            try demand(byte, 10)
            state = .ended
        case .data, .ended: break
        }
    }

    private mutating func takeSize(_ byte: UInt8) throws(HTTPHead.Failure) {
        try boundLine()
        if let digit = Hex.value(byte) {
            // Leading zeros count. No chunk has a size that does not fit into an Int.
            digits += 1
            guard digits <= 16, left < 1 << 58 else { throw .chunk }
            left = left << 4 | Int(digit)
        } else {
            guard digits > 0 else { throw .chunk }
            if byte == 32 || byte == 9 { state = .blanks } else { try takeSizeEnd(byte) }
        }
    }

    private mutating func takeSizeEnd(_ byte: UInt8) throws(HTTPHead.Failure) {
        switch byte {
        case 13: state = .sizeEnd
        case UInt8(ascii: ";"): state = .extension
        default: throw .chunk
        }
    }

    private mutating func boundLine() throws(HTTPHead.Failure) {
        lineLength += 1
        guard lineLength <= HTTPLimits.chunkLine else { throw .chunkLineTooLong(HTTPLimits.chunkLine) }
    }

    private mutating func boundTrailers() throws(HTTPHead.Failure) {
        trailersLength += 1
        guard trailersLength <= HTTPLimits.trailers else { throw .trailersTooLong(HTTPLimits.trailers) }
    }

    private func demand(_ byte: UInt8, _ wanted: UInt8) throws(HTTPHead.Failure) {
        guard byte == wanted else { throw .chunk }
    }

    /// A bare LF ends a line for some readers, and not for others.
    private func refuseControl(_ byte: UInt8) throws(HTTPHead.Failure) {
        guard byte >= 0x20 && byte != 0x7f || byte == 9 else { throw .chunk }
    }
}
