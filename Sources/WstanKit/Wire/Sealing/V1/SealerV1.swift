/// Seals the messages of one direction as version 1 does: one key stream under all of them, and a tag behind those that ask
/// for something or end it. Under TLS there is no key stream.
package struct SealerV1 {
    let authenticator: Authenticator
    let stream: KeyStream?

    /// Puts the command byte before the data and seals both in place.
    func seal(data start: UnsafeMutableRawPointer, count: Int) -> UnsafeMutableRawBufferPointer {
        let message = UnsafeMutableRawBufferPointer(start: start - 1, count: count + 1)
        message[0] = Command.data.rawValue
        stream?.apply(to: message)
        return message
    }

    func seal(request: Request) -> [UInt8] {
        authenticated(request.encoded())
    }

    func seal(association request: AssociationRequest) -> [UInt8] {
        authenticated(request.encoded())
    }

    func seal(datagram: Datagram) -> [UInt8] {
        var bytes = datagram.encoded()
        bytes.withUnsafeMutableBytes { seal(datagram: $0) }
        return bytes
    }

    /// Seals the message of a datagram in place.
    func seal(datagram message: UnsafeMutableRawBufferPointer) {
        stream?.apply(to: message)
    }

    /// An "empty" request, which opens an idle tunnel.
    func seal(idleAt time: Double) -> [UInt8] {
        var bytes = [Command.reset.rawValue]
        bytes.append(integer: time.bitPattern)
        return authenticated(bytes)
    }

    func seal(reset: Reset, padding: Int) -> [UInt8] {
        authenticated(reset.encoded(padding: padding))
    }

    /// With 40 to 499 blanks.
    func seal(reset: Reset, random: UInt32) -> [UInt8] {
        var padding = 40 + Int(random % 459)
        // The next message may be a request. Where a block of the cipher begins it could be sent once more as an opening of
        // its own (see `OpenerV1`), and Python's servers do not remember those.
        if stream?.isAtBlock(after: reset.encodedSize(padding: padding)) ?? false { padding += 1 }
        return seal(reset: reset, padding: padding)
    }

    private func authenticated(_ plaintext: [UInt8]) -> [UInt8] {
        var bytes = plaintext
        stream?.apply(to: &bytes)
        let tag = bytes.withUnsafeBytes { authenticator.tag(over: $0) }
        return bytes + tag
    }
}
