@testable import WstanCore

extension FuzzTarget {
    /// However the bytes are cut into pieces, a reader of frames says the same, and nothing it says is more than came.
    static let frameReader = FuzzTarget(
        "frame-reader",
        seeds: [
            [0, 3, 1, 0, 0, 0x82, 0x03, 1, 2, 3, 0x89, 0x00, 0x88, 0x02, 0x03, 0xe8],
            [1, 1, 2, 0, 9, 0x02, 0x83, 1, 2, 3, 4, 5, 6, 7, 0x80, 0x81, 1, 2, 3, 4, 5],
            [0, 0, 0, 7, 0, 0x82, 0x7e, 0, 126] + Array(repeating: 7, count: 126),
            [0, 0, 0, 7, 0, 0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3],
        ]
    ) { input in
        let role: WebSocketRole = input.flag() ? .server : .client
        let cuts = input.cuts()
        let bytes = input.rest()
        let whole = FrameTranscript(of: bytes, as: role, cuts: .none)
        require(whole == FrameTranscript(of: bytes, as: role, cuts: .everywhere), "the same byte by byte")
        require(whole == FrameTranscript(of: bytes, as: role, cuts: cuts), "the same in pieces")
        require(whole.size <= bytes.count, "no more than came")
    }
}

/// What a reader of frames said, with payload that came in pieces joined.
struct FrameTranscript: Equatable {
    enum Event: Equatable {
        case payload([UInt8], isText: Bool, endsMessage: Bool)
        case control(Opcode, [UInt8])
        case close(UInt16?)
    }

    private(set) var events: [Event] = []
    private(set) var failure: FrameError?
    private(set) var isBetweenFrames = false

    init(of bytes: [UInt8], as role: WebSocketRole, cuts: Cuts) {
        var reader = FrameReader(role: role)
        for piece in cuts.pieces(of: bytes) where failure == nil { read(piece, &reader) }
        isBetweenFrames = failure == nil && reader.isBetweenFrames
    }

    /// Bytes of payload.
    var size: Int {
        events.reduce(0) { sum, event in
            switch event {
            case .payload(let bytes, _, _), .control(_, let bytes): sum + bytes.count
            case .close: sum
            }
        }
    }

    private mutating func read(_ piece: [UInt8], _ reader: inout FrameReader) {
        var piece = piece
        piece.withUnsafeMutableBytes { buffer in
            var offset = 0
            do throws(FrameError) {
                while let event = try reader.next(in: buffer, from: &offset) {
                    require(offset <= buffer.count, "the offset stays within the bytes")
                    note(event, buffer)
                }
                require(offset == buffer.count, "more is wanted only when all is used")
            } catch {
                failure = error
            }
        }
    }

    private mutating func note(_ event: FrameReader.Event, _ buffer: UnsafeMutableRawBufferPointer) {
        switch event {
        case .ping(let payload):
            require(payload.count <= 125, "RFC 6455 section 5.5")
            events.append(.control(.ping, payload))
        case .pong(let payload):
            require(payload.count <= 125, "RFC 6455 section 5.5")
            events.append(.control(.pong, payload))
        case .close(let code):
            require(code.map(CloseCode.isAllowed) ?? true, "only codes that may be sent")
            events.append(.close(code))
        case .payload(let range, let isText, let ends):
            guard case .payload(var joined, isText, endsMessage: false) = events.last else {
                return events.append(.payload(Array(buffer[range]), isText: isText, endsMessage: ends))
            }
            // Taken out first, so that appending does not copy.
            events.removeLast()
            joined += buffer[range]
            events.append(.payload(joined, isText: isText, endsMessage: ends))
        }
    }
}
