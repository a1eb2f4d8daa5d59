import WstanBase

/// Reads frames (RFC 6455 section 5) from bytes as they come, in either role, and unmasks them in place.
///
/// A frame is never held: its payload is handed on in the pieces in which it arrives, whatever length it claims. Only
/// control frames, at most 125 bytes, are gathered. It does not check that text is UTF-8.
package struct FrameReader {
    package enum Event: Equatable {
        /// The bytes at `range` of the input belong to a message; with `endsMessage` they are its last.
        case payload(Range<Int>, isText: Bool, endsMessage: Bool)
        case ping([UInt8])
        case pong([UInt8])
        /// `code` is nil when the peer gave none.
        case close(code: UInt16?)
    }

    private enum State {
        /// Waiting for the rest of a head; what has come is in `head`. Can become: inPayload, gathering.
        case waitingForHead
        /// Within a frame of a message. Can become: waitingForHead.
        case inPayload
        /// Within a control frame. Can become: waitingForHead.
        case gathering
    }

    private let role: WebSocketRole
    private var state = State.waitingForHead
    private var head: [UInt8] = []
    private var control: [UInt8] = []

    private var opcode = Opcode.continuation
    private var isFinal = false
    private var mask: MaskingKey?
    private var remaining: UInt64 = 0
    private var phase: UInt64 = 0
    /// What the message in progress began as; nil between messages.
    private var message: Opcode?
    /// Frames of the message in progress so far, or of the last one.
    private(set) var fragments = 0

    package init(role: WebSocketRole) {
        self.role = role
    }

    /// Whether the last byte read ended a frame.
    var isBetweenFrames: Bool {
        if case .waitingForHead = state { head.isEmpty } else { false }
    }

    /// The next event in `bytes` from `offset` on, which is moved behind what was used.
    ///
    /// - Returns: nil when all bytes are used and more are needed.
    package mutating func next(
        in bytes: UnsafeMutableRawBufferPointer, from offset: inout Int
    ) throws(FrameError) -> Event? {
        while true {
            switch state {
            case .waitingForHead:
                guard try readHead(bytes, &offset) else { return nil }
            case .inPayload:
                guard remaining == 0 || offset < bytes.count else { return nil }
                return payload(bytes, &offset)
            case .gathering:
                guard remaining == 0 || offset < bytes.count else { return nil }
                control.append(contentsOf: bytes[slice(bytes, &offset)])
                guard remaining == 0 else { return nil }
                state = .waitingForHead
                return try controlEvent()
            }
        }
    }

    private mutating func payload(_ bytes: UnsafeMutableRawBufferPointer, _ offset: inout Int) -> Event {
        let range = slice(bytes, &offset)
        let isText = message == .text
        let frameEnds = remaining == 0
        if frameEnds {
            state = .waitingForHead
            if isFinal { message = nil }
        }
        return .payload(range, isText: isText, endsMessage: frameEnds && isFinal)
    }

    /// Unmasks as much of the frame as there is and passes over it.
    private mutating func slice(_ bytes: UnsafeMutableRawBufferPointer, _ offset: inout Int) -> Range<Int> {
        let count = Int(truncatingIfNeeded: min(remaining, UInt64(bytes.count - offset)))
        let range = offset..<(offset + count)
        mask?.apply(to: UnsafeMutableRawBufferPointer(rebasing: bytes[range]), phase: phase)
        offset += count
        remaining -= UInt64(count)
        phase &+= UInt64(count)
        return range
    }

    /// - Returns: false when the head is not complete.
    private mutating func readHead(
        _ bytes: UnsafeMutableRawBufferPointer, _ offset: inout Int
    ) throws(FrameError) -> Bool {
        if head.isEmpty {
            // As a rule the whole head is there.
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            if let size = try parse(rest) {
                offset += size
                return true
            }
        }
        while offset < bytes.count {
            head.append(bytes[offset])
            offset += 1
            let held = head
            let size = try held.withBytes { (bytes) throws(FrameError) in try parse(bytes) }
            if size != nil {
                head.removeAll(keepingCapacity: true)
                return true
            }
        }
        return false
    }

    /// Takes over a head if `bytes` begin with a whole one.
    ///
    /// - Returns: the head's size.
    private mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(FrameError) -> Int? {
        var reader = ByteReader(bytes)
        guard let first = reader.readByte() else { return nil }
        guard first & 0x70 == 0 else { throw .reservedBits }
        guard let opcode = Opcode(rawValue: first & 0x0f) else { throw .unknownOpcode }
        let isFinal = first & 0x80 != 0
        if opcode.isControl {
            guard isFinal else { throw .badControlFrame }
        } else {
            guard (opcode == .continuation) == (message != nil) else { throw .badContinuation }
        }

        guard let second = reader.readByte() else { return nil }
        // Section 5.1: a server refuses what is not masked, a client what is.
        let isMasked = second & 0x80 != 0
        guard isMasked == (role == .server) else { throw .wrongMasking }
        let length: UInt64
        switch second & 0x7f {
        case 126:
            guard !opcode.isControl else { throw .badControlFrame }
            guard let long = reader.readInteger(UInt16.self) else { return nil }
            guard long >= 126 else { throw .badLength }
            length = UInt64(long)
        case 127:
            guard !opcode.isControl else { throw .badControlFrame }
            guard let long = reader.readInteger(UInt64.self) else { return nil }
            guard long > 0xffff, long >> 63 == 0 else { throw .badLength }
            length = long
        case let short:
            length = UInt64(short)
        }
        var mask: MaskingKey?
        if isMasked {
            guard let octets = reader.readBytes(4) else { return nil }
            mask = MaskingKey(octets.loadUnaligned(as: UInt32.self))
        }

        self.opcode = opcode
        self.isFinal = isFinal
        self.mask = mask
        remaining = length
        phase = 0
        if opcode.isControl {
            control.removeAll(keepingCapacity: false)
            state = .gathering
        } else {
            if opcode != .continuation {
                message = opcode
                fragments = 0
            }
            fragments &+= 1
            state = .inPayload
        }
        return reader.position
    }

    private mutating func controlEvent() throws(FrameError) -> Event {
        let payload = control
        control = []
        switch opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        default: return .close(code: try closeCode(payload))
        }
    }

    /// Section 5.5.1: no body, or a code and a reason in UTF-8.
    private func closeCode(_ payload: [UInt8]) throws(FrameError) -> UInt16? {
        guard !payload.isEmpty else { return nil }
        guard payload.count >= 2 else { throw .badClose }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard CloseCode.isAllowed(code), String(validating: payload[2...], as: UTF8.self) != nil else {
            throw .badClose
        }
        return code
    }
}
