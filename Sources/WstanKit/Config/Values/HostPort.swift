/// `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; a URI, a listener and a proxy all hold one.
package struct HostPort: Equatable {
    /// Lower case, without brackets.
    package let host: String
    /// nil when there is none, or nothing after the colon (RFC 3986 3.2.3 allows that in a URI).
    package let port: UInt16?

    /// - Throws: a host that cannot be one, a port that is no number up to 65535.
    package init(_ text: String) throws(ValueProblem) {
        try Self.refuseURI(text)
        let bytes = Array(text.utf8)
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else {
                throw ValueProblem("the bracket of the IPv6 address is not closed: write [::1]")
            }
            host = try Self.addressLiteral(String(decoding: bytes[1..<close], as: UTF8.self))
            let rest = bytes[close...].dropFirst()
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else {
                throw ValueProblem("only a colon and a port can follow the bracket: write [::1]:1080")
            }
            port = try Self.port(rest.dropFirst())
            return
        }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            throw ValueProblem("an IPv6 address stands in brackets: write [::1] or [::1]:1080")
        }
        host = try Self.name(String(decoding: parts.first ?? [], as: UTF8.self))
        port = try Self.port(parts.dropFirst().first ?? [])
    }

    /// A host alone, where an IPv6 address needs no brackets, as Python takes it for `addr` and `tun-addr`.
    package static func host(_ text: String) throws(ValueProblem) -> String {
        try refuseURI(text, "HOST")
        if text.utf8.first == UInt8(ascii: "[") {
            let pair = try HostPort(text)
            guard text.utf8.last == UInt8(ascii: "]") else { throw ValueProblem("the port is a setting of its own") }
            return pair.host
        }
        return text.utf8.contains(UInt8(ascii: ":")) ? try addressLiteral(text) : try name(text)
    }

    /// Says of a URI, or of a part of one, what to write instead. Its colons would be taken for those of an IPv6 address.
    package static func refuseURI(_ text: String, _ wanted: String = "HOST:PORT") throws(ValueProblem) {
        let scheme = text.utf8.prefix { $0 != UInt8(ascii: ":") }
        let rest = text.utf8[scheme.endIndex...]
        if rest.starts(with: "://".utf8) || text.utf8.starts(with: "//".utf8) {
            throw ValueProblem("a URI where an address is expected: write \(wanted) alone, without scheme and path")
        }
        if text.utf8.contains(UInt8(ascii: "/")) {
            throw ValueProblem("a path where an address is expected: write \(wanted) alone")
        }
        if text.utf8.contains(UInt8(ascii: "@")) {
            throw ValueProblem("a user name where an address is expected: write \(wanted) alone")
        }
    }

    /// A host as it stands before a colon and a port.
    package static func bracketed(_ host: String) -> String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    }

    /// Letters, digits, `-`, `.` and `_`: the name goes into header fields, so nothing else may pass.
    private static func name(_ text: String) throws(ValueProblem) -> String {
        guard !text.isEmpty else { throw ValueProblem("the host is missing: name one, like 127.0.0.1 or example.com") }
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw ValueProblem("the host holds letters beyond ASCII: write it in its xn-- form (Punycode)")
        }
        guard text.utf8.count <= ConfigurationBounds.hostNameLength else {
            throw ValueProblem("the host is longer than \(ConfigurationBounds.hostNameLength) characters: no name is")
        }
        guard text.utf8.allSatisfy(isNameByte) else {
            throw ValueProblem("the host holds a character that no host name has: letters, digits, '-', '.' only")
        }
        return text.lowercased()
    }

    /// A rough check that keeps the text harmless in a header field; the resolver has the last word.
    private static func addressLiteral(_ text: String) throws(ValueProblem) -> String {
        let parts = text.utf8.split(separator: UInt8(ascii: "%"), maxSplits: 1, omittingEmptySubsequences: false)
        let address = parts.first ?? text.utf8[...]
        let isAddress =
            address.count(where: { $0 == UInt8(ascii: ":") }) >= 2
            && address.allSatisfy { isHex($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        // RFC 6874: in a URI the percent sign before a zone is written %25. Bare, 25 is the number of an interface.
        let zone = parts.dropFirst().first.map { $0.starts(with: "25".utf8) && $0.count > 2 ? $0.dropFirst(2) : $0 }
        let isZone = zone.map { !$0.isEmpty && $0.allSatisfy(isNameByte) } ?? true
        guard isAddress, isZone, text.utf8.count <= ConfigurationBounds.addressLiteralLength else {
            throw ValueProblem("not an IPv6 address: write it like ::1 or 2001:db8::1")
        }
        // The zone is the name of an interface, and those know upper case.
        let suffix = zone.map { "%" + String(decoding: $0, as: UTF8.self) } ?? ""
        return String(decoding: address, as: UTF8.self).lowercased() + suffix
    }

    private static func port(_ digits: ArraySlice<UInt8>) throws(ValueProblem) -> UInt16? {
        if digits.isEmpty { return nil }
        guard let count = Quantity(String(decoding: digits, as: UTF8.self))?.count, let port = UInt16(exactly: count)
        else { throw ValueProblem("the port is no number from 0 to 65535") }
        return port
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
