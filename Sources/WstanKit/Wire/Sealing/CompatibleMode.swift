/// What is particular to compatible mode, in which the nonce travels in a cookie because a WebSocket proxy may replace
/// the `Sec-WebSocket-Key`.
enum CompatibleMode {
    /// An underscore and a capital letter that follows from the key.
    static func cookieName(for key: Key) -> String {
        let last = Nonce.sha1(key.bytes).last ?? 0
        return "_" + String(UnicodeScalar(last % 26 + 65))
    }
}
