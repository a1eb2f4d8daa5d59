import WstanConfig

/// `X-Forwarded-For`, in which every proxy appends the address that it was reached from. Anybody may have written what
/// stands further left.
enum ForwardedFor {
    static func isNamed(in head: HTTPHead) -> Bool { !head.values(of: field).isEmpty }

    private static let field = "X-Forwarded-For"

    /// Walks from the right past those who are trusted themselves: the first who is not is the client.
    ///
    /// - Returns: nil when the last entry is no address. One further left that is none ends the walk: then the client
    ///   is whoever a trusted proxy has vouched for last.
    static func client(in head: HTTPHead, trusting proxies: TrustedProxies) -> ClientAddress? {
        var client: ClientAddress?
        // RFC 9110 section 5.3: several fields of a name are one list.
        for value in head.values(of: field).reversed() {
            var rest: ArraySlice<UInt8>? = value
            while let entries = rest {
                let comma = entries.lastIndex(of: UInt8(ascii: ","))
                let entry = comma.map { entries[($0 + 1)...] } ?? entries
                guard let address = ClientAddress(text: String(decoding: entry.trimmed, as: UTF8.self)) else {
                    return client
                }
                client = address
                guard proxies.contains(address.host) else { return client }
                rest = comma.map { entries[..<$0] }
            }
        }
        return client
    }
}
