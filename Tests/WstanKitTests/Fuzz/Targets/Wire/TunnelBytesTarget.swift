@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// The bytes of a whole direction: messages are sealed, framed in fragments, masked, cut anywhere, and come out
    /// as they went in. A byte that is changed on the way ends in a refusal or in other data, never in a trap.
    static let tunnelBytes = FuzzTarget(
        "tunnel-bytes",
        seeds: [
            [0, 1, 5, 0, 3, 0, 0, 0, 0, 0, 0, 8, 104, 105, 1, 4, 1, 2, 3, 4, 2, 3, 98, 121, 101, 3, 0, 0],
            [1, 0, 9, 9, 9, 40, 1, 1, 2, 3, 4, 0, 12, 1, 1, 1, 1, 1, 1, 1, 2, 5, 32, 32, 32, 33, 34, 1, 0],
        ]
    ) { input in
        let usesCipher = input.flag()
        let role: WebSocketRole = input.flag() ? .server : .client
        let cuts = input.cuts()
        let spoiledAt = Int(input.integer(UInt16.self))
        let spoiledBy = input.byte()
        let fragment = 1 + Int(input.byte())
        let mask = role == .server ? MaskingKey(input.integer()) : nil

        let sealer = FuzzKey.sealer(usesCipher: usesCipher)
        var sent: [MessageTranscript.Event] = []
        var bytes: [UInt8] = []
        while !input.isOver {
            let kind = input.below(3)
            let body = input.take(Int(input.byte()))
            let message: [UInt8]
            switch kind {
            case 0:
                let request = Request(
                    time: Double(input.byte()), target: Address(host: .name("a.test"), port: 1), data: body)
                message = sealer.seal(request: request)
                sent.append(.request(request))
            case 1:
                message = sealer.seal(data: body)
                note(body, &sent)
            default:
                // Text that trimming and the separator leave alone.
                let reset = Reset(reason: body.map { "\($0)" }.joined(separator: ","), detail: "d")
                message = sealer.seal(reset: reset, padding: 40)
                guard message.count <= WireLimits.reset else { return }
                sent.append(.reset(Reset(reason: String(reset.reason.prefix(WireLimits.resetText)), detail: "d")))
            }
            bytes += framed(message, fragment, mask)
        }
        guard spoiledBy != 0, !bytes.isEmpty else {
            let heard = TunnelTranscript(of: bytes, as: role, usesCipher: usesCipher, cuts: cuts)
            require(heard.messages.events == sent && heard.isInOrder, "what was sealed is opened")
            return
        }
        bytes[spoiledAt % bytes.count] ^= spoiledBy
        let heard = TunnelTranscript(of: bytes, as: role, usesCipher: usesCipher, cuts: cuts)
        require(
            heard == TunnelTranscript(of: bytes, as: role, usesCipher: usesCipher, cuts: .none), "the same in pieces")
    }

    private static func framed(_ message: [UInt8], _ size: Int, _ mask: MaskingKey?) -> [UInt8] {
        var bytes: [UInt8] = []
        var start = 0
        repeat {
            let end = min(message.count, start + size)
            let opcode: Opcode = start == 0 ? .binary : .continuation
            var payload = Array(message[start..<end])
            let head = FrameHead(opcode: opcode, isFinal: end == message.count, payloadCount: payload.count, mask: mask)
            payload.withUnsafeMutableBytes { mask?.apply(to: $0) }
            var frame = [UInt8](repeating: 0, count: head.size) + payload
            frame.withUnsafeMutableBytes { if let start = $0.baseAddress { head.write(before: start + head.size) } }
            bytes += frame
            start = end
        } while start < message.count
        return bytes
    }

    private static func note(_ body: [UInt8], _ sent: inout [MessageTranscript.Event]) {
        if body.isEmpty {
            sent.append(.emptyData)
        } else if case .data(let before) = sent.last {
            sent[sent.count - 1] = .data(before + body)
        } else {
            sent.append(.data(body))
        }
    }
}

/// What the receiving end of a tunnel makes of bytes.
private struct TunnelTranscript: Equatable {
    var messages = MessageTranscript()
    var failure: FrameError?
    var controls = 0

    var isInOrder: Bool { failure == nil && messages.failure == nil && controls == 0 }

    init(of bytes: [UInt8], as role: WebSocketRole, usesCipher: Bool, cuts: Cuts) {
        var reader = FrameReader(role: role)
        var opener = FuzzKey.opener(usesCipher: usesCipher)
        for piece in cuts.pieces(of: bytes) where failure == nil && messages.failure == nil {
            read(piece, &reader, &opener)
        }
    }

    private mutating func read(_ piece: [UInt8], _ reader: inout FrameReader, _ opener: inout Opener) {
        var piece = piece
        piece.withUnsafeMutableBytes { buffer in
            var offset = 0
            do throws(FrameError) {
                while messages.failure == nil, let event = try reader.next(in: buffer, from: &offset) {
                    switch event {
                    case .payload(let range, _, let endsMessage):
                        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[range])
                        messages.open(part, endsMessage: endsMessage, .bytes, &opener)
                    case .ping, .pong, .close: controls += 1
                    }
                }
            } catch {
                failure = error
            }
        }
    }
}
