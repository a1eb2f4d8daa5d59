import WstanBase

/// P2: what M2 says.
///
///     time(u64) || cipher(u8) || flags(u8) || pad_len(u16) || opt_len(u16) || options || pad
struct ReplyPayload: Equatable, Sendable {
    static let leastSize = 8 + 1 + 1 + 2 + 2

    let time: WireTime
    /// As a number: whether it was offered is another's to judge.
    let cipher: UInt8
    /// Bit 0: the key is in its time of grace. Other bits mean nothing yet.
    let flags: UInt8
    let options: Options

    static let graceFlag: UInt8 = 1

    /// The user's key is a former one: the user should fetch the new one.
    var isInGrace: Bool { flags & Self.graceFlag != 0 }

    /// - Parameter padding: in bytes; fewer are added where no more fit.
    func encoded(padding: Int) -> [UInt8] {
        let room = HandshakeBounds.mostReply - HandshakeBounds.leastReply - options.size
        let padding = min(padding, room)
        var bytes: [UInt8] = []
        bytes.append(integer: time.milliseconds)
        bytes.append(cipher)
        bytes.append(flags)
        bytes.append(integer: UInt16(truncatingIfNeeded: padding))
        options.encode(into: &bytes)
        bytes += [UInt8](repeating: 0, count: padding)
        return bytes
    }

    static func read(_ bytes: [UInt8]) throws(Violation) -> ReplyPayload {
        try bytes.withBytes { (bytes) throws(Violation) in
            var reader = ByteReader(bytes)
            guard let time = reader.readInteger(UInt64.self), let cipher = reader.readByte(), let flags = reader.readByte(),
                let padding = reader.readInteger(UInt16.self)
            else { throw .truncated }
            let options = try Options.read(&reader)
            guard reader.remaining == Int(padding) else { throw .padding }
            return ReplyPayload(
                time: WireTime(milliseconds: time), cipher: cipher, flags: flags, options: options)
        }
    }
}

extension Options {
    /// Of all of them on the wire, without the length before them.
    var size: Int { entries.reduce(0) { $0 + 4 + $1.value.count } }
}
