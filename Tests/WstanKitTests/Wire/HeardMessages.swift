@testable import WstanCore

/// What an opener said, with data that came in pieces joined, so that it is the same however the bytes came.
struct HeardMessages: Equatable {
    enum Message: Equatable {
        case data([UInt8])
        case emptyData
        case request(Request)
        case reset(Reset)
        case association(AssociationRequest)
        /// An association that was asked for without a tag.
        case bareAssociation(Datagram)
        case datagram(Datagram)

        /// Copies, since the event's bytes are only lent; nil for an event that says nothing.
        init?(_ event: Opener.Event) {
            switch event {
            case .partial: return nil
            case .emptyData: self = .emptyData
            case .request(let request, _): self = .request(request)
            case .reset(let reset): self = .reset(reset)
            case .association(let first, nil): self = .bareAssociation(first)
            case .association(let first, let stamp?):
                self = .association(AssociationRequest(time: stamp.time ?? .nan, first: first))
            case .datagram(let datagram): self = .datagram(datagram)
            case .data(let bytes): self = .data(Array(bytes))
            }
        }
    }

    private(set) var all: [Message] = []

    mutating func note(_ message: Message) {
        if case .data(let more) = message, case .data(let before) = all.last {
            all[all.count - 1] = .data(before + more)
        } else {
            all.append(message)
        }
    }

    /// Feeds one message in pieces of `size` bytes.
    mutating func hear(
        _ message: [UInt8], piecesOf size: Int, _ opener: inout Opener, expecting: Opener.Expectation = .bytes
    ) throws(WireError) {
        var start = 0
        repeat {
            let end = min(message.count, start + size)
            var piece = Array(message[start..<end])
            let heard = try piece.withUnsafeMutableBytes { bytes in
                Result { () throws(WireError) in
                    let isLast = end == message.count
                    return Message(try opener.open(bytes, endsMessage: isLast, expecting: expecting))
                }
            }.get()
            if let heard { note(heard) }
            start = end
        } while start < message.count
    }
}
