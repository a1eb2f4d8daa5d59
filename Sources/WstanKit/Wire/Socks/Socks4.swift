import WstanBase

/// The messages of SOCKS4, and of its extension 4a by which a name may stand for the address.
enum Socks4 {
    static let version: UInt8 = 4

    enum Command: UInt8 {
        case connect = 1
        case bind = 2
    }

    enum Failure: Error, Equatable {
        case malformed
    }

    /// The longest user id that is read over; user agents send less than half of it.
    static let maxUserID = 255
    private static let maxName = 255

    struct Request: Equatable {
        /// The raw byte: an unknown command still gets its answer.
        var command: UInt8
        var target: Address

        init(command: UInt8, target: Address) {
            self.command = command
            self.target = target
        }
    }

    /// Version, command, port, address, user id, 0; after an address of 0.0.0.x also name, 0.
    ///
    /// - Returns: nil when bytes are missing; the reader is then where it was.
    static func readRequest(_ reader: inout ByteReader) throws(Failure) -> Request? {
        var ahead = reader
        guard let version = ahead.readByte() else { return nil }
        guard version == Self.version else { throw .malformed }
        guard let command = ahead.readByte(), let port = ahead.readInteger(UInt16.self),
            let address = ahead.readInteger(UInt32.self), try readText(&ahead, atMost: maxUserID) != nil
        else { return nil }
        let host: Host
        if address & 0xffff_ff00 == 0, address != 0 {
            guard let name = try readText(&ahead, atMost: maxName) else { return nil }
            guard let parsed = Host(text: name) else { throw .malformed }
            host = parsed
        } else {
            host = .ipv4(IPv4Address(address))
        }
        reader = ahead
        return Request(command: command, target: Address(host: host, port: port))
    }

    /// A text up to its 0.
    private static func readText(_ reader: inout ByteReader, atMost limit: Int) throws(Failure) -> String? {
        var bytes: [UInt8] = []
        while let byte = reader.readByte() {
            if byte == 0 { return String(decoding: bytes, as: UTF8.self) }
            guard bytes.count < limit else { throw .malformed }
            bytes.append(byte)
        }
        return nil
    }

    static let granted: [UInt8] = [0, 0x5a, 0, 0, 0, 0, 0, 0]
    static let rejected: [UInt8] = [0, 0x5b, 0, 0, 0, 0, 0, 0]
}
