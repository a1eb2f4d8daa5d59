import WstanBase

/// The name and password that a user agent gives to a proxy: `Proxy-Authorization: Basic` (RFC 7617).
struct ProxyAuthorization: Equatable {
    let name: [UInt8]
    let password: [UInt8]

    /// What a proxy says when it wants them (RFC 9110 section 11.7.1).
    static let challenge = "Basic realm=\"wstan\", charset=\"UTF-8\""

    /// A request for a path is not for a proxy: what it gets is about this proxy, and leads nowhere.
    static func isWanted(for head: HTTPHead) -> Bool {
        head.requestLine?.target.first != UInt8(ascii: "/")
    }

    /// - Returns: nil where none can be read: no such field, two of them, or another scheme.
    init?(_ head: HTTPHead) {
        guard let value = head.value(of: "Proxy-Authorization"),
            let blank = value.firstIndex(where: \.isBlank), HTTPHead.isEqual(value[..<blank], "Basic"),
            let bytes = Base64.decode(value[blank...].drop(while: \.isBlank)),
            // Section 2: the name holds no colon, the password may.
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        name = Array(bytes[..<colon])
        password = Array(bytes[(colon + 1)...])
    }
}
