@testable import WstanCore

/// What a frame reader said, with payload that came in pieces joined, so that it is the same however the bytes came.
struct HeardFrames: Equatable {
    enum Event: Equatable {
        /// Payload of one message up to its end, or up to a control frame within it.
        case payload([UInt8], isText: Bool, endsMessage: Bool)
        case ping([UInt8])
        case pong([UInt8])
        case close(UInt16?)
    }

    private(set) var all: [Event] = []
    var isBetweenFrames = true

    /// Reads `bytes` in pieces of the sizes that `pieceSize` gives.
    static func reading(
        _ bytes: [UInt8], as role: WebSocketRole, pieceSize: () -> Int
    ) throws(FrameError) -> HeardFrames {
        var heard = HeardFrames()
        var reader = FrameReader(role: role)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + pieceSize())
            try heard.read(Array(bytes[start..<end]), &reader)
            start = end
        }
        heard.isBetweenFrames = reader.isBetweenFrames
        return heard
    }

    static func reading(
        _ bytes: [UInt8], as role: WebSocketRole, piecesOf size: Int = .max
    ) throws(FrameError) -> HeardFrames {
        try reading(bytes, as: role) { min(size, max(1, bytes.count)) }
    }

    private mutating func read(_ piece: [UInt8], _ reader: inout FrameReader) throws(FrameError) {
        var buffer = piece
        try buffer.withUnsafeMutableBytes { buffer in
            Result { () throws(FrameError) in
                var offset = 0
                while let event = try reader.next(in: buffer, from: &offset) { note(event, buffer) }
                precondition(offset == buffer.count, "nil although bytes are left")
            }
        }.get()
    }

    private mutating func note(_ event: FrameReader.Event, _ buffer: UnsafeMutableRawBufferPointer) {
        switch event {
        case .ping(let payload): all.append(.ping(payload))
        case .pong(let payload): all.append(.pong(payload))
        case .close(let code): all.append(.close(code))
        case .payload(let range, let isText, let ends):
            if case .payload(let before, isText: isText, endsMessage: false) = all.last {
                all[all.count - 1] = .payload(before + buffer[range], isText: isText, endsMessage: ends)
            } else {
                all.append(.payload(Array(buffer[range]), isText: isText, endsMessage: ends))
            }
        }
    }
}
