/// Tells for each piece of a connection's bytes how many of them belong to a message's body, and whether it has ended.
/// The bytes themselves are passed on as they came, the framing of chunks included.
struct BodyReader {
    private enum State {
        /// Can become: ended.
        case counting(Int)
        case chunks(ChunkReader)
        /// Ends with the connection.
        case untilClose
        case ended
    }

    private var state: State

    /// - Parameter isTolerant: of framing that can be put right; see `takeMend`.
    init(_ body: MessageBody, isTolerant: Bool = false) {
        state =
            switch body {
            case .none: .ended
            case .length(let count): .counting(count)
            case .chunked: .chunks(ChunkReader(isTolerant: isTolerant))
            case .untilClose: .untilClose
            }
    }

    var hasEnded: Bool {
        if case .ended = state { true } else { false }
    }

    /// - Returns: what is to be done behind what was read last, before reading goes on there.
    mutating func takeMend() -> ChunkReader.Mend? {
        guard case .chunks(var reader) = state else { return nil }
        defer { state = .chunks(reader) }
        return reader.takeMend()
    }

    /// What is to be added if the connection ends here in good order and the body with it; nil: it is cut short.
    var missingEnd: [UInt8]? {
        switch state {
        case .counting: nil
        case .chunks(let reader): reader.missingEnd
        case .untilClose, .ended: []
        }
    }

    /// How much can be read without getting more than `spare` bytes of what comes behind the body.
    func mayRead(spare: Int) -> Int {
        switch state {
        case .counting(let left): left
        case .chunks(let reader): max(reader.certain, spare)
        case .untilClose: .max
        case .ended: spare
        }
    }

    /// - Returns: how many of `bytes`, from the first on, belong to the body.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(HTTPHead.Failure) -> Int {
        switch state {
        case .counting(let left):
            let count = min(left, bytes.count)
            state = count == left ? .ended : .counting(left - count)
            return count
        case .chunks(var reader):
            let (count, hasEnded) = try reader.read(bytes)
            state = hasEnded ? .ended : .chunks(reader)
            return count
        case .untilClose:
            return bytes.count
        case .ended:
            return 0
        }
    }
}
