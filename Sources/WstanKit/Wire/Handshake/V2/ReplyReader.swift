import WstanBase

/// Finds M2 in what comes behind the 101: it is the first binary message (protocol-v2.md section 4). No I/O.
struct ReplyReader {
    enum Failure: Error, Equatable {
        /// It can be no M2: text, too long, or no WebSocket at all.
        case notAReply
        /// The WebSocket was closed before it.
        case closed
    }

    private var frames = FrameReader(role: .client)
    private var message: [UInt8] = []

    /// - Returns: the message, and what came behind it; nil when bytes are missing.
    mutating func append(_ bytes: [UInt8]) throws(Failure) -> (message: [UInt8], rest: [UInt8])? {
        var bytes = bytes
        var offset = 0
        while true {
            let event = bytes.withUnsafeMutableBytes { buffer in
                Result { () throws(FrameError) in try frames.next(in: buffer, from: &offset) }
            }
            switch event {
            case .failure: throw .notAReply
            case .success(nil): return nil
            case .success(.payload(let range, let isText, let endsMessage)):
                guard !isText, range.count <= HandshakeBounds.mostReply - message.count,
                    frames.fragments <= LimitsV2.fragments
                else { throw .notAReply }
                message += bytes[range]
                if endsMessage { return (message, Array(bytes[offset...])) }
            // A front may send some.
            case .success(.ping), .success(.pong): break
            case .success(.close): throw .closed
            }
        }
    }
}
