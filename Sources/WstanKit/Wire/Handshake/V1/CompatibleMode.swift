/// What is particular to compatible mode, in which the nonce travels in a cookie because a WebSocket proxy may replace
/// the `Sec-WebSocket-Key`.
enum CompatibleMode {
    /// An underscore and a capital letter that follows from the key.
    static func cookieName(for key: Key) -> String {
        let last = key.withBytes { Nonce.sha1($0) }.last ?? 0
        return "_" + String(UnicodeScalar(last % 26 + 65))
    }

    static func cookie(_ name: String, _ nonce: Nonce) -> String {
        "\(name)=\(nonce.base64)"
    }

    /// The most cookies of a request that are looked at.
    private static let mostCookies = 100

    /// The cookies of a request (RFC 6265 section 4.2.1): a front may set some of its own, and give each a field of its own
    /// (RFC 9113 section 8.2.3).
    static func cookies(of head: HTTPHead) -> [ArraySlice<UInt8>] {
        var cookies: [ArraySlice<UInt8>] = []
        for field in head.values(of: "Cookie") {
            cookies += field.split(separator: UInt8(ascii: ";"), maxSplits: mostCookies)
        }
        return cookies.prefix(mostCookies).map(\.trimmed)
    }

    /// What the first cookie of that name holds that is a nonce.
    static func nonce(in cookies: [ArraySlice<UInt8>], _ name: String) -> Nonce? {
        let prefix = "\(name)=".utf8
        return cookies.lazy.filter { $0.starts(with: prefix) }.compactMap { Nonce(base64: $0.dropFirst(prefix.count)) }
            .first
    }

    /// Python's servers strip the cookie's name in a way that eats leading characters of the nonce equal to its letter.
    static func freshNonce(_ name: String, _ draw: () -> Nonce) -> Nonce {
        while true {
            let nonce = draw()
            if nonce.base64.utf8.first != name.utf8.last { return nonce }
        }
    }
}
