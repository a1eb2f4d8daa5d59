/// What a client speaks version 2 with (protocol-v2.md section 3).
package struct ClientIdentity: Sendable {
    var credentials: ClientKey
    /// By preference.
    var ciphers: [AEADCipher] =
        Processor.hasAES ? [.aes128GCM, .chaCha20Poly1305, .aes256GCM] : [.chaCha20Poly1305, .aes128GCM, .aes256GCM]
    /// Records are plain on a TLS connection that the server ends itself; not with `inner-cipher = always`.
    var trustsTLS = true

    package var keyID: KeyID { KeyID(value: credentials.user.id.value) }

    /// P1's.
    ///
    /// - Parameter binding: of the TLS connection.
    func options(binding: [UInt8]?) -> Options {
        let binding = trustsTLS ? binding : nil
        var options = Options()
        options.set(.ciphers, ciphers.map(\.rawValue) + (binding == nil ? [] : [RecordCipher.none.byte]))
        options.set(.features, integer: Features.udp.rawValue)
        if let binding { options.set(.binding, binding) }
        return options
    }
}
