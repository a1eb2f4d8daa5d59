@testable import WstanCore

/// The receiving end of a tunnel as far as it is bytes: frames, and within them sealed messages.
struct ReceivingEnd {
    enum Failure: Error, Equatable {
        case frame(FrameError)
        case wire(WireError)
    }

    private var reader: FrameReader
    private var opener: Opener
    private(set) var messages = HeardMessages()
    private(set) var pings = 0

    init(role: WebSocketRole, opener: Opener) {
        reader = FrameReader(role: role)
        self.opener = opener
    }

    var heldBytes: Int { opener.heldBytes }

    mutating func feed(_ bytes: [UInt8]) throws(Failure) {
        var buffer = bytes
        try buffer.withUnsafeMutableBytes { buffer in
            Result { () throws(Failure) in try consume(buffer) }
        }.get()
    }

    private mutating func consume(_ buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
        var offset = 0
        while let event = try nextFrame(buffer, &offset) {
            switch event {
            case .payload(let range, _, let endsMessage):
                try open(UnsafeMutableRawBufferPointer(rebasing: buffer[range]), endsMessage)
            case .ping:
                pings += 1
            case .pong, .close:
                break
            }
        }
    }

    private mutating func nextFrame(
        _ buffer: UnsafeMutableRawBufferPointer, _ offset: inout Int
    ) throws(Failure) -> FrameReader.Event? {
        do throws(FrameError) { return try reader.next(in: buffer, from: &offset) } catch { throw .frame(error) }
    }

    private mutating func open(_ piece: UnsafeMutableRawBufferPointer, _ endsMessage: Bool) throws(Failure) {
        do throws(WireError) {
            if let message = HeardMessages.Message(try opener.open(piece, endsMessage: endsMessage, expecting: .bytes))
            {
                messages.note(message)
            }
        } catch {
            throw .wire(error)
        }
    }
}
