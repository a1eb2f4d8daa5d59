/// A worker's one buffer: bytes are read into its body, sealed and masked in place, and sent from there with what a message
/// and its frame put around them. A connection that waits holds no buffer.
package struct Scratch: @unchecked Sendable {
    /// Room before the body for the head of a frame and what a sealer puts before its data.
    static let headroom = 64
    /// Room behind the body for what a sealer puts behind its data.
    static let tailroom = 16
    /// The most that is read at once.
    static let bodySize = 256 * 1024

    private let memory: UnsafeMutableRawBufferPointer

    init() {
        memory = .allocate(byteCount: Self.headroom + Self.bodySize + Self.tailroom, alignment: 64)
    }

    /// - Parameter count: at most `bodySize`.
    package func body(_ count: Int = bodySize) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory[Self.headroom..<(Self.headroom + count)])
    }

    /// Whether bytes lie within the body, so that there is room before them and behind.
    func surrounds(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress, let body = body().baseAddress else { return false }
        return start >= body && start + bytes.count <= body + Self.bodySize
    }
}
