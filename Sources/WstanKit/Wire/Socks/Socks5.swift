import WstanBase

/// The messages of SOCKS5 (RFC 1928) that a proxy reads and sends.
package enum Socks5 {
    static let version: UInt8 = 5

    package enum Method {
        static let none: UInt8 = 0
        /// RFC 1929.
        static let password: UInt8 = 2
        static let notAcceptable: UInt8 = 0xff
    }

    enum Command: UInt8 {
        case connect = 1
        case bind = 2
        case associate = 3
    }

    /// Section 6.
    package enum Reply: UInt8, Error {
        case succeeded = 0
        case generalFailure = 1
        case notAllowed = 2
        case networkUnreachable = 3
        case hostUnreachable = 4
        case connectionRefused = 5
        case ttlExpired = 6
        case commandNotSupported = 7
        case addressTypeNotSupported = 8
    }

    package enum Failure: Error, Equatable {
        case malformed
        case unknownAddressType
    }

    /// The greeting (section 3): the methods on offer.
    static func readGreeting(_ reader: inout ByteReader) throws(Failure) -> [UInt8]? {
        var ahead = reader
        guard let version = ahead.readByte() else { return nil }
        guard version == Self.version else { throw .malformed }
        guard let count = ahead.readByte(), let methods = ahead.readBytes(Int(count)) else { return nil }
        reader = ahead
        return Array(methods)
    }

    package struct Request: Equatable {
        /// The raw byte: an unknown command still gets its answer.
        var command: UInt8
        var target: Address

        init(command: UInt8, target: Address) {
            self.command = command
            self.target = target
        }
    }

    /// The request (section 4).
    static func readRequest(_ reader: inout ByteReader) throws(Failure) -> Request? {
        var ahead = reader
        guard let version = ahead.readByte() else { return nil }
        guard version == Self.version else { throw .malformed }
        guard let command = ahead.readByte() else { return nil }
        var address = ahead
        if address.readByte() != nil, let type = address.readByte(), ![1, 3, 4].contains(type) {
            throw .unknownAddressType
        }
        do {
            guard let target = try Address.read(&ahead) else { return nil }
            reader = ahead
            return Request(command: command, target: target)
        } catch {
            throw .malformed
        }
    }

    static func methodSelection(_ method: UInt8) -> [UInt8] {
        [version, method]
    }

    /// A reply (section 6).
    ///
    /// - Parameter bound: for an association where its datagrams go. A connection's is not known here, the server's side
    ///   of the tunnel has it: all zeros, as other proxies say then.
    static func reply(_ reply: Reply, bound: Address = Address(host: .ipv4(IPv4Address(0)), port: 0)) -> [UInt8] {
        var bytes = [version, reply.rawValue]
        bound.encode(into: &bytes)
        return bytes
    }
}
