import WstanBase

/// A message of version 2, as it is read from the plaintext of a record or written into one (protocol-v2.md section 5). Bytes of a
/// connection lie where the record lies.
///
///     type(u8) body      or, with bit 7 of the type set:      type(u8) pad_len(u16) body pad
enum MessageV2 {
    case nop
    case data(UnsafeRawBufferPointer)
    /// The last bytes of the sender's direction, maybe none.
    case fin(UnsafeRawBufferPointer)
    case reset(ResetV2)
    case ok(RequestBody)
    /// Eight bytes, which a PONG repeats.
    case ping(UInt64)
    case pong(UInt64)
    case rekey
    case bye(Bye)
    case ack(Acknowledgement)
    case dataAt(offset: UInt64, UnsafeRawBufferPointer)
    case dgram(DatagramPieces)
    case packet(Pieces)
    case need(Need)
    case request(RequestV2)
    /// Of a later version, and nothing that one has to know.
    case ignorable(UInt8)

    var type: MessageType {
        switch self {
        case .nop: .nop
        case .data: .data
        case .fin: .fin
        case .reset: .reset
        case .ok: .ok
        case .ping: .ping
        case .pong: .pong
        case .rekey: .rekey
        case .bye: .bye
        case .ack: .ack
        case .dataAt: .dataAt
        case .dgram: .dgram
        case .packet: .packet
        case .need: .need
        case .request(let request): .request(request.type)
        case .ignorable(let byte): .ignorable(byte)
        }
    }

    // MARK: Reading

    static func read(_ plaintext: UnsafeRawBufferPointer) throws(Violation) -> MessageV2 {
        var reader = ByteReader(plaintext)
        guard let first = reader.readByte() else { throw .truncated }
        guard let type = MessageType(byte: first & ~MessageType.padded) else { throw .unknownType }
        var padding = 0
        if first & MessageType.padded != 0 {
            guard let count = reader.readInteger(UInt16.self) else { throw .truncated }
            guard count <= reader.remaining else { throw .padding }
            padding = Int(count)
        }
        guard let body = reader.readBytes(reader.remaining - padding) else { throw .padding }
        return try read(type, body)
    }

    private static func read(_ type: MessageType, _ body: UnsafeRawBufferPointer) throws(Violation) -> MessageV2 {
        switch type {
        case .data: return .data(try bounded(body))
        case .fin: return .fin(try bounded(body))
        case .nop: return .nop
        case .reset: return .reset(try ResetV2.read(body))
        case .ok: return .ok(try RequestBody.read(body))
        case .ping: return .ping(try readNumber(body))
        case .pong: return .pong(try readNumber(body))
        case .rekey:
            guard body.isEmpty else { throw .trailingBytes }
            return .rekey
        case .bye: return .bye(try Bye.read(body))
        case .ack: return .ack(try Acknowledgement.read(body))
        case .dataAt:
            var reader = ByteReader(body)
            guard let offset = reader.readInteger(UInt64.self) else { throw .truncated }
            return .dataAt(offset: offset, reader.readRest())
        case .dgram: return .dgram(try DatagramPieces.read(body))
        case .packet: return .packet(try Pieces.read(body))
        case .need: return .need(try Need.read(body))
        case .request(let type):
            let request = RequestV2(type, try RequestBody.read(body))
            if type == .associate, !request.body.data.isEmpty {
                _ = try request.body.data.withBytes { (data) throws(Violation) in
                    try DatagramPieces.read(data).pieces.count
                }
            }
            return .request(request)
        case .ignorable(let byte): return .ignorable(byte)
        }
    }

    @inline(__always)
    private static func bounded(_ data: UnsafeRawBufferPointer) throws(Violation) -> UnsafeRawBufferPointer {
        guard data.count <= LimitsV2.data else { throw .tooMuchData }
        return data
    }

    private static func readNumber(_ body: UnsafeRawBufferPointer) throws(Violation) -> UInt64 {
        var reader = ByteReader(body)
        guard let number = reader.readInteger(UInt64.self) else { throw .truncated }
        guard reader.remaining == 0 else { throw .trailingBytes }
        return number
    }

    // MARK: Writing

    /// The plaintext of a record.
    ///
    /// - Parameter padding: bytes of padding behind the body, whose length takes two more; nil: none of both.
    func encoded(padding: Int? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + LimitsV2.tag + (padding ?? 0))
        encode(into: &bytes, padding: padding)
        return bytes
    }

    func encode(into bytes: inout [UInt8], padding: Int? = nil) {
        guard let padding else {
            bytes.append(type.byte)
            return encodeBody(into: &bytes)
        }
        bytes.append(type.byte | MessageType.padded)
        bytes.append(integer: UInt16(padding))
        encodeBody(into: &bytes)
        // At once, not byte by byte as `repeatElement` would.
        bytes += [UInt8](repeating: 0, count: padding)
    }

    private func encodeBody(into bytes: inout [UInt8]) {
        switch self {
        case .nop, .rekey, .ignorable: break
        case .data(let body), .fin(let body): bytes.append(contentsOf: body)
        case .reset(let reset): reset.encode(into: &bytes)
        case .ok(let body): body.encode(into: &bytes)
        case .ping(let number), .pong(let number): bytes.append(integer: number)
        case .bye(let bye): bye.encode(into: &bytes)
        case .ack(let acknowledgement): acknowledgement.encode(into: &bytes)
        case .dataAt(let offset, let body):
            bytes.append(integer: offset)
            bytes.append(contentsOf: body)
        case .dgram(let datagrams): datagrams.pieces.encode(into: &bytes)
        case .packet(let pieces): pieces.encode(into: &bytes)
        case .need(let need): need.encode(into: &bytes)
        case .request(let request): request.body.encode(into: &bytes)
        }
    }
}
