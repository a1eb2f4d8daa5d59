import WstanBase

/// The messages of SOCKS5 as the client of a proxy sends and reads them: RFC 1928, and RFC 1929 for a name and a
/// password.
package enum Socks5Client {
    package enum Method {
        static let none: UInt8 = 0
        static let password: UInt8 = 2
        static let notAcceptable: UInt8 = 0xff
    }

    package enum Failure: Error, Equatable {
        /// What answers speaks no SOCKS5.
        case malformed
        /// None of the offered ways to authenticate will do.
        case noMethod
        case wrongCredentials
        /// A code of RFC 1928 section 6, or another one.
        case refused(UInt8)
    }

    /// RFC 1929 gives each a byte for its length, and wants at least one byte of a name.
    package struct Credentials: Equatable, Sendable {
        let user: [UInt8]
        let password: [UInt8]

        /// - Returns: nil for what the messages cannot hold.
        package init?(user: [UInt8], password: [UInt8]) {
            guard (1...255).contains(user.count), password.count <= 255 else { return nil }
            self.user = user
            self.password = password
        }
    }

    /// Section 3: the methods on offer. Without credentials there is one; with them the proxy may choose.
    static func greeting(offeringPassword: Bool) -> [UInt8] {
        offeringPassword ? [Socks5.version, 2, Method.none, Method.password] : [Socks5.version, 1, Method.none]
    }

    /// RFC 1929 section 2.
    static func authentication(_ credentials: Credentials) -> [UInt8] {
        [1, UInt8(truncatingIfNeeded: credentials.user.count)] + credentials.user
            + [UInt8(truncatingIfNeeded: credentials.password.count)] + credentials.password
    }

    /// Section 4.
    static func request(connectTo target: Address) -> [UInt8] {
        var bytes = [Socks5.version, Socks5.Command.connect.rawValue]
        target.encode(into: &bytes)
        return bytes
    }

    /// Section 3: the method that the proxy has chosen.
    ///
    /// - Returns: nil when bytes are missing; the reader is then where it was.
    static func readMethod(_ reader: inout ByteReader) throws(Failure) -> UInt8? {
        var ahead = reader
        guard let version = ahead.readByte() else { return nil }
        guard version == Socks5.version else { throw .malformed }
        guard let method = ahead.readByte() else { return nil }
        guard method != Method.notAcceptable else { throw .noMethod }
        reader = ahead
        return method
    }

    /// RFC 1929 section 2: whether name and password are right. The version is not looked at: proxies are known that
    /// put SOCKS's there.
    static func readAuthenticationStatus(_ reader: inout ByteReader) throws(Failure) -> Bool? {
        var ahead = reader
        guard ahead.readByte() != nil, let status = ahead.readByte() else { return nil }
        guard status == 0 else { throw .wrongCredentials }
        reader = ahead
        return true
    }

    /// Section 6. A refusal is one as soon as its code is there: some proxies send nothing behind it. The address that
    /// the proxy has bound says nothing that is needed, and is read over.
    static func readReply(_ reader: inout ByteReader) throws(Failure) -> Bool? {
        var ahead = reader
        guard let version = ahead.readByte() else { return nil }
        guard version == Socks5.version else { throw .malformed }
        guard let code = ahead.readByte() else { return nil }
        guard code == Socks5.Reply.succeeded.rawValue else { throw .refused(code) }
        guard ahead.readByte() != nil, let type = ahead.readByte() else { return nil }
        let length: Int
        switch type {
        case 1: length = 4
        case 4: length = 16
        case 3:
            guard let count = ahead.readByte() else { return nil }
            length = Int(count)
        default: throw .malformed
        }
        guard ahead.readBytes(length + 2) != nil else { return nil }
        reader = ahead
        return true
    }
}
