/// What was read of a tunnel and waits for the next turn: at most one read.
struct UnreadBytes {
    private var bytes: [UInt8] = []
    private var start = 0

    init() {}

    init(_ bytes: some Collection<UInt8>) {
        self.bytes = Array(bytes)
    }

    var isEmpty: Bool { bytes.isEmpty }
    /// The memory that they take.
    var size: Int { bytes.count }

    /// Takes from the front.
    ///
    /// - Parameter take: is given at most `most` bytes, and says how many it has taken.
    mutating func take(upTo most: Int, _ take: (UnsafeMutableRawBufferPointer) -> Int) {
        let range = start..<min(bytes.count, start + most)
        start += bytes.withUnsafeMutableBytes { take(UnsafeMutableRawBufferPointer(rebasing: $0[range])) }
        if start == bytes.count { self = UnreadBytes() }
    }
}
