/// Which ciphers a server has, and which one it takes of those that a client offers (section 4.5).
struct CipherChoice: Equatable, Sendable {
    let ciphers: Set<AEADCipher>
    /// Where the CPU has no AES, ChaCha20-Poly1305 is taken from whatever place of the client's list.
    var prefersChaCha20 = false
    /// Whether records may be plain on a TLS connection that both ends prove to share; not with `inner-cipher = always`.
    var allowsNone = true

    /// - Parameter binding: of the TLS connection that ends here.
    /// - Returns: nil when none is common.
    func choose(for options: Options, binding: [UInt8]?) -> RecordCipher? {
        let offered = options.ciphers.compactMap { RecordCipher(byte: $0) }
        if allowsNone, offered.contains(.none), let binding, options[.binding] == binding { return RecordCipher.none }
        let common = options.ciphers.compactMap { AEADCipher(rawValue: $0) }.filter { ciphers.contains($0) }
        if prefersChaCha20, common.contains(.chaCha20Poly1305) { return .sealed(.chaCha20Poly1305) }
        return common.first.map { .sealed($0) }
    }
}
