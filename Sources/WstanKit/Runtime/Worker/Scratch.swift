/// A worker's one buffer: bytes are read into its body, sealed and masked in place, and sent from there with the
/// frame's head written into the room before it. A connection that waits holds no buffer.
struct Scratch: @unchecked Sendable {
    /// Room before the body for the head of a frame and the command byte.
    static let headroom = 64
    /// The most that is read at once.
    static let bodySize = 256 * 1024

    private let memory: UnsafeMutableRawBufferPointer

    init() {
        memory = .allocate(byteCount: Self.headroom + Self.bodySize, alignment: 64)
    }

    /// - Parameter count: at most `bodySize`.
    func body(_ count: Int = bodySize) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory[Self.headroom..<(Self.headroom + count)])
    }
}
