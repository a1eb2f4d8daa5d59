/// What is particular to compatible mode, in which the nonce travels in a cookie because a WebSocket proxy may replace
/// the `Sec-WebSocket-Key`.
enum CompatibleMode {
    /// An underscore and a capital letter that follows from the key.
    static func cookieName(for key: Key) -> String {
        let last = Nonce.sha1(key.bytes).last ?? 0
        return "_" + String(UnicodeScalar(last % 26 + 65))
    }

    static func cookie(_ name: String, _ nonce: Nonce) -> String {
        "\(name)=\(nonce.base64)"
    }

    /// - Returns: nil for any other cookie, and for more than one.
    static func nonce(in cookie: ArraySlice<UInt8>, _ name: String) -> Nonce? {
        let prefix = "\(name)=".utf8
        guard cookie.starts(with: prefix) else { return nil }
        return Nonce(base64: cookie.dropFirst(prefix.count))
    }

    /// Python's servers strip the cookie's name in a way that eats leading characters of the nonce equal to its letter.
    static func freshNonce(_ name: String, _ draw: () -> Nonce) -> Nonce {
        while true {
            let nonce = draw()
            if nonce.base64.utf8.first != name.utf8.last { return nonce }
        }
    }
}
