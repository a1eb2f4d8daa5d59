/// Data of one read, moved together where it lies, so that it goes to the near end in few writes: a peer may send its
/// bytes in frames of a few each, and a system call for each of them would hold up the others.
struct CoalescedData {
    private var bytes: UnsafeMutableRawBufferPointer?

    /// Adds a piece, which lies behind what was added before in the same buffer.
    ///
    /// - Returns: what has to be written first, because the piece is too large to be worth moving.
    mutating func add(_ piece: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer? {
        guard let before = bytes, let start = before.baseAddress, let from = piece.baseAddress,
            piece.count <= TunnelLimits.gathered
        else {
            defer { bytes = piece }
            return bytes
        }
        (start + before.count).copyMemory(from: from, byteCount: piece.count)
        bytes = UnsafeMutableRawBufferPointer(start: start, count: before.count + piece.count)
        return nil
    }

    mutating func flush() -> UnsafeMutableRawBufferPointer? {
        defer { bytes = nil }
        return bytes
    }
}
