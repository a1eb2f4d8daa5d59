/// A field that the client adds to its handshake, for a front that asks for one.
public struct ExtraHeader: Sendable, Equatable, CustomStringConvertible {
    public let name: String
    /// Without white space around it. It may hold a token, so `description` leaves it out.
    public let value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    public var description: String { "\(name): (redacted)" }

    /// Reads `Name: value`.
    ///
    /// - Throws: what would break the head, or say twice what the handshake says itself.
    package init(_ text: String) throws(ValueProblem) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw ValueProblem("no colon after the field's name: write Name: value")
        }
        let name = text.utf8[..<colon]
        guard !name.isEmpty, name.allSatisfy(Self.isTokenByte) else {
            throw ValueProblem("the field's name holds what no name has (RFC 9110 5.6.2): write Name: value")
        }
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let start = text.utf8[colon...].dropFirst().drop(while: isBlank)
        let value = start.lastIndex { !isBlank($0) }.map { start[...$0] } ?? start.prefix(0)
        guard !value.isEmpty else { throw ValueProblem("the field's value is empty: write Name: value") }
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValueProblem("the field's value holds a control character: remove it")
        }
        self.name = String(decoding: name, as: UTF8.self)
        self.value = String(decoding: value, as: UTF8.self)
        try Self.checkIsFree(self.name.lowercased())
    }

    /// What stands in two lines adds up.
    package static func adding(_ more: ExtraHeader, to headers: [ExtraHeader]) throws(ValueProblem) -> [ExtraHeader] {
        let all = headers + [more]
        guard all.count <= ConfigurationBounds.headers else {
            throw ValueProblem("more than \(ConfigurationBounds.headers) fields: use fewer")
        }
        guard all.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count }) <= ConfigurationBounds.headersLength
        else {
            throw ValueProblem("more than \(ConfigurationBounds.headersLength) bytes of fields together: shorten them")
        }
        return all
    }

    private static func checkIsFree(_ name: String) throws(ValueProblem) {
        switch name {
        case "host": throw ValueProblem("Host has a key of its own: write host-header = name")
        case "connection", "upgrade": throw ValueProblem("the handshake makes that field itself: remove it")
        case "content-length", "transfer-encoding", "te", "trailer", "expect":
            throw ValueProblem("a handshake has no body that the field could describe: remove it")
        default:
            guard name.suffix(after: "sec-websocket-") == nil else {
                throw ValueProblem("the handshake makes the Sec-WebSocket fields itself: remove it")
            }
        }
    }

    /// RFC 9110 section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

/// The Host field in the operator's words.
enum HostHeader {
    /// - Throws: what is no visible ASCII, or too long.
    static func read(_ text: String) throws(ValueProblem) -> String {
        guard text.utf8.count <= ConfigurationBounds.hostHeaderLength else {
            throw ValueProblem("longer than \(ConfigurationBounds.hostHeaderLength) bytes: shorten it")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ValueProblem("holds a space or a character beyond ASCII: write a host, and a port if need be")
        }
        try HostPort.refuseURI(text, "HOST or HOST:PORT")
        return text
    }
}
