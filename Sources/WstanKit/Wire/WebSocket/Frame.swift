/// RFC 6455 section 5.2.
package enum Opcode: UInt8, Sendable {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    var isControl: Bool { rawValue >= 8 }
}

/// Which end of a WebSocket connection this is: a client masks what it sends, a server does not.
package enum WebSocketRole: Sendable {
    case client
    case server
}

/// RFC 6455 section 7.4, and the two that wstan has of its own.
package enum CloseCode {
    package static let normal: UInt16 = 1000
    static let goingAway: UInt16 = 1001
    static let protocolError: UInt16 = 1002
    /// A message that is not of the protocol of the tunnel.
    static let badMessage: UInt16 = 3000
    /// A message that has no place in the tunnel's state.
    static let badState: UInt16 = 3001

    /// Which codes may stand in a close frame (sections 7.4.1 and 7.4.2, and the registry's additions).
    static func isAllowed(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// The peer broke RFC 6455.
package enum FrameError: Error, Equatable {
    case reservedBits
    case unknownOpcode
    case wrongMasking
    case badLength
    case badControlFrame
    case badContinuation
    case badClose

    var closeCode: UInt16 { CloseCode.protocolError }
}

/// The head of a frame as it is sent: 2 to 14 bytes.
package struct FrameHead {
    var opcode: Opcode
    var isFinal = true
    var payloadCount: Int
    var mask: MaskingKey?

    /// Room that suffices for any head.
    static let maxSize = 14

    var size: Int {
        let length = payloadCount < 126 ? 0 : payloadCount <= 0xffff ? 2 : 8
        return 2 + length + (mask == nil ? 0 : 4)
    }

    /// Writes the head so that it ends where `payload` begins; there must be room for `size` bytes before it.
    func write(before payload: UnsafeMutableRawPointer) {
        let start = payload - size
        start.storeBytes(of: (isFinal ? 0x80 : 0) | opcode.rawValue, as: UInt8.self)
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        if payloadCount < 126 {
            (start + 1).storeBytes(of: maskBit | UInt8(truncatingIfNeeded: payloadCount), as: UInt8.self)
        } else if payloadCount <= 0xffff {
            (start + 1).storeBytes(of: maskBit | 126, as: UInt8.self)
            (start + 2).storeBytes(of: UInt16(truncatingIfNeeded: payloadCount).bigEndian, as: UInt16.self)
        } else {
            (start + 1).storeBytes(of: maskBit | 127, as: UInt8.self)
            (start + 2).storeBytes(of: UInt64(truncatingIfNeeded: payloadCount).bigEndian, as: UInt64.self)
        }
        mask?.store(to: payload - 4)
    }

    /// A whole small frame, masked if a key is given.
    package static func frame(_ opcode: Opcode, _ payload: [UInt8], mask: MaskingKey?) -> [UInt8] {
        let head = FrameHead(opcode: opcode, payloadCount: payload.count, mask: mask)
        return [UInt8](unsafeUninitializedCapacity: head.size + payload.count) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            let body = UnsafeMutableRawBufferPointer(rebasing: bytes[head.size...])
            body.copyBytes(from: payload)
            mask?.apply(to: body)
            // An empty payload still has a place to end at.
            if let start = bytes.baseAddress { head.write(before: start + head.size) }
            count = head.size + payload.count
        }
    }

    package static func close(code: UInt16, mask: MaskingKey?) -> [UInt8] {
        var payload: [UInt8] = []
        payload.append(integer: code)
        return frame(.close, payload, mask: mask)
    }
}
