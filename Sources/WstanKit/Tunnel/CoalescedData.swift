/// Data of one read, moved together where it lies, so that it goes to the near end in few writes: a peer may send its
/// bytes in frames of a few each, and a system call for each of them would hold up the others.
struct CoalescedData {
    private var bytes: UnsafeMutableRawBufferPointer?
    /// The read that pieces are moved in.
    private var read = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// Pieces come from this read now, or from memory that an opener holds.
    mutating func begin(in read: UnsafeMutableRawBufferPointer) {
        self.read = read
    }

    /// Adds a piece. Those of the read lie one behind the other.
    ///
    /// - Returns: what has to be written first, because the piece is too large to be worth moving, or lies elsewhere.
    mutating func add(_ piece: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer? {
        guard let before = bytes, let start = before.baseAddress, let from = piece.baseAddress,
            piece.count <= TunnelLimits.gathered, isOfRead(start), isOfRead(from)
        else {
            defer { bytes = piece }
            return bytes
        }
        (start + before.count).copyMemory(from: from, byteCount: piece.count)
        bytes = UnsafeMutableRawBufferPointer(start: start, count: before.count + piece.count)
        return nil
    }

    private func isOfRead(_ pointer: UnsafeMutableRawPointer) -> Bool {
        guard let start = read.baseAddress else { return false }
        return pointer >= start && pointer < start + read.count
    }

    mutating func flush() -> UnsafeMutableRawBufferPointer? {
        defer { bytes = nil }
        return bytes
    }
}
