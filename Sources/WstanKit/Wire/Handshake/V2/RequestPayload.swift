import WstanBase

/// P1: what M1 says.
///
///     pad_len(u16) || opt_len(u16) || options || message || pad
struct RequestPayload: Equatable, Sendable {
    let options: Options
    /// What the tunnel is opened with; nil when it is to be idle at once.
    let request: RequestV2?

    /// - Parameters:
    ///   - message: the plaintext of a message, a NOP or a request.
    ///   - padding: in bytes; fewer are added where no more fit.
    static func encode(_ options: Options, message: [UInt8], padding: Int) -> [UInt8] {
        let room = Self.room(beside: options) - message.count
        precondition(room >= 0, "a message that fits into no request")
        let padding = min(padding, room)
        var bytes: [UInt8] = []
        bytes.append(integer: UInt16(truncatingIfNeeded: padding))
        options.encode(into: &bytes)
        bytes += message
        bytes += [UInt8](repeating: 0, count: padding)
        return bytes
    }

    /// How many bytes a message may have.
    static func room(beside options: Options) -> Int {
        HandshakeBounds.mostRequest - HandshakeBounds.leastRequest + 1 - options.size
    }

    static func read(_ bytes: [UInt8]) throws(HandshakeRefusal) -> RequestPayload {
        try bytes.withBytes { (bytes) throws(HandshakeRefusal) in try RequestPayload(bytes) }
    }

    private init(_ bytes: UnsafeRawBufferPointer) throws(HandshakeRefusal) {
        let message: MessageV2
        do throws(Violation) {
            var reader = ByteReader(bytes)
            guard let padding = reader.readInteger(UInt16.self) else { throw .truncated }
            options = try Options.read(&reader)
            guard let plaintext = reader.readBytes(reader.remaining - Int(padding)) else { throw .padding }
            message = try MessageV2.read(plaintext)
        } catch {
            throw .malformed(error)
        }
        if let critical = options.unknownCritical { throw .unknownOption(critical) }
        switch message {
        case .nop: request = nil
        case .request(let request) where request.type != .incoming: self.request = request
        default: throw .noRequest
        }
    }
}
