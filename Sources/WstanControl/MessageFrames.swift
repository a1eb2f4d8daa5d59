/// Finds the messages in a stream of bytes, each of which ends with a NUL.
public struct MessageFrames: Sendable {
    /// Bytes of a message.
    public static let limit = 1 << 20

    public struct TooLong: Error, Equatable {}

    private let limit: Int
    private var bytes: [UInt8] = []
    /// Where what was not given out begins.
    private var start = 0
    /// No NUL is between there and here.
    private var searched = 0
    /// Bytes of the message that is not whole.
    private var unfinished = 0

    public init(limit: Int = MessageFrames.limit) {
        self.limit = limit
    }

    /// Bytes that are held and were not given out.
    public var count: Int { bytes.count - start }

    /// - Throws: when a message is longer than the limit; what would make it so is not held.
    public mutating func append(_ more: some RandomAccessCollection<UInt8>) throws(TooLong) {
        var length = unfinished
        for byte in more {
            length = byte == 0 ? 0 : length + 1
            guard length <= limit else { throw TooLong() }
        }
        unfinished = length
        if start > 0 {
            bytes.removeFirst(start)
            searched -= start
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next message without its NUL; nil when it is not there as a whole.
    public mutating func next() -> [UInt8]? {
        guard let end = bytes[searched...].firstIndex(of: 0) else {
            searched = bytes.count
            return nil
        }
        let message = Array(bytes[start..<end])
        start = end + 1
        searched = start
        // A peer that waits has no memory held for it.
        if start == bytes.count {
            bytes = []
            start = 0
            searched = 0
        }
        return message
    }
}
