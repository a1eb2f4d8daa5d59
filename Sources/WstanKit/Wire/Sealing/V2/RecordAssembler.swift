import WstanBase

/// Puts a record together from what a WebSocket message comes in: frames, and pieces of them. A message that lies whole in what
/// was read is not copied. Confined to its tunnel.
final class RecordAssembler {
    /// What has come of a record that is not complete, or one that is and was not released.
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var count = 0
    private var isComplete = false
    private let limit: Int

    /// - Parameter limit: the longest record.
    init(limit: Int = LimitsV2.record) {
        self.limit = limit
    }

    deinit {
        memory.deallocate()
    }

    /// The memory held for a record that is not complete.
    var heldBytes: Int { isComplete ? 0 : memory.count }

    /// The record that was returned last is of no more use.
    func release() {
        if isComplete { drop() }
    }

    /// Takes the next piece, unmasked.
    ///
    /// - Parameter fragments: frames of this message so far, the one of the piece included.
    /// - Returns: a whole record, which stays where it is until the next call; nil before its end has come.
    func take(
        _ piece: UnsafeMutableRawBufferPointer, isText: Bool, fragments: Int, endsMessage: Bool
    ) throws(Violation) -> UnsafeMutableRawBufferPointer? {
        release()
        guard !isText else { throw .textMessage }
        guard fragments <= LimitsV2.fragments else { throw .tooManyFragments }
        guard piece.count <= limit - count else { throw .messageTooLong }
        if count == 0, endsMessage { return piece }
        append(piece)
        guard endsMessage else { return nil }
        isComplete = true
        return UnsafeMutableRawBufferPointer(rebasing: memory[..<count])
    }

    private func append(_ piece: UnsafeMutableRawBufferPointer) {
        guard !piece.isEmpty else { return }
        grow(to: count + piece.count)
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: UnsafeRawBufferPointer(piece))
        count += piece.count
    }

    /// By doubling: what comes a byte at a time is not copied for each of them.
    private func grow(to needed: Int) {
        guard needed > memory.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(needed, min(2 * memory.count, limit)), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
        memory.deallocate()
        memory = larger
    }

    private func drop() {
        memory.deallocate()
        memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        count = 0
        isComplete = false
    }
}
