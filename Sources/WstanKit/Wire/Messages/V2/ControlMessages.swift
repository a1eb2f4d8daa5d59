import WstanBase

/// RESET: connection `connection` is aborted, or was: see `TunnelLife`.
struct ResetV2: Equatable, Sendable {
    /// The number of the connection, mod 256.
    var connection: UInt8
    var code: ResetCode
    /// Why, for people. What is not UTF-8 was replaced.
    var text = ""

    static func read(_ body: UnsafeRawBufferPointer) throws(Violation) -> ResetV2 {
        var reader = ByteReader(body)
        guard let connection = reader.readByte(), let code = reader.readByte() else { throw .truncated }
        return ResetV2(connection: connection, code: ResetCode(byte: code), text: try MessageText.read(&reader))
    }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(connection)
        bytes.append(code.rawValue)
        MessageText.encode(text, into: &bytes)
    }
}

/// BYE: no new requests on this tunnel.
struct Bye: Equatable, Sendable {
    /// As it was sent: a later release may know more of them.
    let number: UInt8
    var text = ""

    var code: ResetCode { ResetCode(byte: number) }

    init(code: ResetCode, text: String = "") {
        self.init(number: code.rawValue, text: text)
    }

    init(number: UInt8, text: String = "") {
        self.number = number
        self.text = text
    }

    static func read(_ body: UnsafeRawBufferPointer) throws(Violation) -> Bye {
        var reader = ByteReader(body)
        guard let number = reader.readByte() else { throw .truncated }
        return Bye(number: number, text: try MessageText.read(&reader))
    }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(number)
        MessageText.encode(text, into: &bytes)
    }
}

/// ACK of a resumable connection: how many bytes were delivered, FIN counting as one (section 7.6).
struct Acknowledgement: Equatable, Sendable {
    var connection: UInt8
    var offset: UInt64

    static func read(_ body: UnsafeRawBufferPointer) throws(Violation) -> Acknowledgement {
        var reader = ByteReader(body)
        guard let connection = reader.readByte(), let offset = reader.readInteger(UInt64.self) else { throw .truncated }
        guard reader.remaining == 0 else { throw .trailingBytes }
        return Acknowledgement(connection: connection, offset: offset)
    }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(connection)
        bytes.append(integer: offset)
    }
}

/// NEED: the client is to park so many tunnels for a listener.
struct Need: Equatable, Sendable {
    var listener: UInt64
    var count: UInt8

    static func read(_ body: UnsafeRawBufferPointer) throws(Violation) -> Need {
        var reader = ByteReader(body)
        guard let listener = reader.readInteger(UInt64.self), let count = reader.readByte() else { throw .truncated }
        guard reader.remaining == 0 else { throw .trailingBytes }
        return Need(listener: listener, count: count)
    }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(integer: listener)
        bytes.append(count)
    }
}

/// The text of RESET and BYE: at most 255 bytes of UTF-8, to the end of the message.
private enum MessageText {
    static func read(_ reader: inout ByteReader) throws(Violation) -> String {
        guard reader.remaining <= LimitsV2.text else { throw .textTooLong }
        return String(decoding: reader.readRest(), as: UTF8.self)
    }

    /// Cut where a character begins.
    static func encode(_ text: String, into bytes: inout [UInt8]) {
        guard text.utf8.count > LimitsV2.text else { return bytes.append(contentsOf: text.utf8) }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: LimitsV2.text)
        while text.utf8[end] & 0xc0 == 0x80 { text.utf8.formIndex(before: &end) }
        bytes.append(contentsOf: text.utf8[..<end])
    }
}
