import WstanBase

/// Finds where a head ends, byte by byte and without looking ahead: at the LF of the first empty line behind one that is not.
///
/// RFC 9112 section 2.2: a line may end in LF alone, and empty lines before the first one are overlooked. Servers that write a
/// line end as text into a stream that makes CR LF of LF end their lines in CR CR LF, so of an answer a line of nothing but
/// CRs is empty too. In a request a second CR is a part of a line, for its reader to refuse.
struct HeadEnd {
    private enum State {
        /// Empty lines before the first one. Can become: line.
        case before
        /// Can become: lineStart.
        case line
        /// Nothing of this line has come. Can become: lineCR, line, ended.
        case lineStart
        /// Nothing of this line but CRs. Can become: line, ended.
        case lineCR
        case ended
    }

    private let kind: HTTPHead.Kind
    private var state = State.before
    /// How many bytes were looked at.
    private var position = 0
    /// Where the first line begins, and where its LF is.
    private(set) var start = 0
    private(set) var firstLineEnd: Int?

    init(of kind: HTTPHead.Kind) {
        self.kind = kind
    }

    /// - Parameter bytes: those of the last time, and more.
    /// - Returns: how many of them are the head; nil when it has not ended.
    mutating func find(in bytes: UnsafeRawBufferPointer) -> Int? {
        while position < bytes.count, state != .ended {
            // Nearly all bytes are within a line, where only its LF means something.
            if state == .line { position = bytes.firstIndex(of: 10, from: position) ?? bytes.count }
            guard position < bytes.count else { break }
            take(bytes[position])
            position += 1
        }
        return state == .ended ? position : nil
    }

    private mutating func take(_ byte: UInt8) {
        switch state {
        case .before:
            if byte == 13 || byte == 10 { start = position + 1 } else { state = .line }
        case .line:
            guard byte == 10 else { return }
            firstLineEnd = firstLineEnd ?? position
            state = .lineStart
        case .lineStart:
            state = byte == 10 ? .ended : byte == 13 ? .lineCR : .line
        case .lineCR:
            if byte == 10 { state = .ended } else if byte != 13 || kind == .request { state = .line }
        case .ended: break
        }
    }
}
