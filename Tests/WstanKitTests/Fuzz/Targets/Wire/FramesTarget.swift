@testable import WstanCore

extension FuzzTarget {
    /// What is written as frames is read as the same messages: every length, masked or not, fragmented, with control
    /// frames between the fragments.
    static let frames = FuzzTarget(
        "frames",
        seeds: [
            [0, 5, 0, 0, 0, 1, 3, 1, 2, 3, 2, 1, 9, 3, 0, 0], [1, 9, 8, 7, 6, 3, 3, 0, 1, 2, 3, 0, 200, 4, 1, 1, 2],
            [1, 0, 0, 0, 1, 4, 0x80, 0, 5, 1, 0, 1, 2, 3, 4], [0, 0, 0, 0, 1, 4, 1, 0, 5, 1, 0],
        ]
    ) { input in
        let role: WebSocketRole = input.flag() ? .server : .client
        let cuts = input.cuts()
        var sent: [FrameTranscript.Event] = []
        var bytes: [UInt8] = []
        while !input.isOver {
            let mask = role == .server ? MaskingKey(input.integer()) : nil
            switch input.below(6) {
            case 0, 1:
                let isText = input.flag()
                let fragments = 1 + input.below(3)
                for number in 0..<fragments {
                    let payload = input.take(Int(input.byte()))
                    let isLast = number == fragments - 1
                    let opcode: Opcode = number > 0 ? .continuation : isText ? .text : .binary
                    bytes += written(
                        FrameHead(opcode: opcode, isFinal: isLast, payloadCount: payload.count, mask: mask), payload)
                    note(.payload(payload, isText: isText, endsMessage: isLast), &sent)
                    if !isLast, input.flag() {
                        bytes += FrameHead.frame(.ping, [7], mask: mask)
                        note(.control(.ping, [7]), &sent)
                    }
                }
            case 2:
                let opcode: Opcode = input.flag() ? .ping : .pong
                let payload = input.take(input.below(126))
                bytes += FrameHead.frame(opcode, payload, mask: mask)
                note(.control(opcode, payload), &sent)
            case 3:
                let code = input.integer(UInt16.self)
                guard CloseCode.isAllowed(code) else { continue }
                bytes += FrameHead.close(code: code, mask: mask)
                note(.close(code), &sent)
            default:
                // Around the places where the form of the length changes.
                let length = input.choice(of: [125, 126, 127, 0xfffe, 0xffff, 0x10000, 0x10001])
                guard bytes.count < 1 << 17 else { return }
                let payload = [UInt8](repeating: input.byte(), count: length)
                bytes += written(FrameHead(opcode: .binary, payloadCount: length, mask: mask), payload)
                note(.payload(payload, isText: false, endsMessage: true), &sent)
            }
        }
        let heard = FrameTranscript(of: bytes, as: role, cuts: cuts)
        require(heard.failure == nil && heard.isBetweenFrames, "what we write is in order")
        require(heard.events == sent, "what was written is read")
    }

    private static func written(_ head: FrameHead, _ payload: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: head.size) + payload
        bytes.withUnsafeMutableBytes { buffer in
            let body = UnsafeMutableRawBufferPointer(rebasing: buffer[head.size...])
            head.mask?.apply(to: body)
            if let start = buffer.baseAddress { head.write(before: start + head.size) }
        }
        return bytes
    }

    /// Fragments without a control frame between them are heard as one.
    private static func note(_ event: FrameTranscript.Event, _ events: inout [FrameTranscript.Event]) {
        if case .payload(let more, let isText, let ends) = event,
            case .payload(let before, isText, endsMessage: false) = events.last
        {
            events[events.count - 1] = .payload(before + more, isText: isText, endsMessage: ends)
        } else {
            events.append(event)
        }
    }
}
