import WstanBase

/// The messages by which a user agent gives its name and password in SOCKS5 (RFC 1929).
enum Socks5Password {
    /// Of this negotiation, not of SOCKS.
    static let version: UInt8 = 1

    struct Request: Equatable {
        var name: [UInt8]
        var password: [UInt8]

        init(name: [UInt8], password: [UInt8]) {
            self.name = name
            self.password = password
        }
    }

    /// The request (section 2). Lengths of 0, which it does not have, are read too: no user has such a name, and an empty
    /// password is a wrong one.
    ///
    /// - Returns: nil when bytes are missing; the reader is then where it was.
    static func readRequest(_ reader: inout ByteReader) throws(Socks5.Failure) -> Request? {
        var ahead = reader
        guard let version = ahead.readByte() else { return nil }
        guard version == Self.version else { throw .malformed }
        guard let nameCount = ahead.readByte(), let name = ahead.readBytes(Int(nameCount)),
            let passwordCount = ahead.readByte(), let password = ahead.readBytes(Int(passwordCount))
        else { return nil }
        reader = ahead
        return Request(name: Array(name), password: Array(password))
    }

    static let accepted: [UInt8] = [version, 0]
    /// After this the connection has to be closed.
    static let refused: [UInt8] = [version, 1]
}
