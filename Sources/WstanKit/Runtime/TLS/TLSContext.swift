import COpenSSL

/// What all TLS connections of one kind have in common. It never changes once it is made, so every thread may use it.
package class TLSContext: @unchecked Sendable {
    /// It cannot be used as the configuration says; for an administrator.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let description: String
        /// The file that it is about, if it is about one.
        package var path: String?
    }

    /// Paths of PEM files.
    package struct Identity: Sendable, Equatable {
        /// The certificate, and behind it what leads to the root.
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    let pointer: OpaquePointer

    /// AES-128 before the others: it is the fastest where there are instructions for it, and enough.
    private static let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    /// The same for TLS 1.2, and nothing without forward secrecy.
    private static let olderSuites = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")

    package init(method: OpaquePointer?) throws(Problem) {
        guard let pointer = SSL_CTX_new(method) else { throw Problem(description: "OpenSSL cannot be set up") }
        self.pointer = pointer
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        SSL_CTX_set_options(pointer, COPENSSL_NO_RENEGOTIATION | COPENSSL_NO_COMPRESSION)
        // A connection that waits holds no buffer for records.
        let mode = SSL_MODE_RELEASE_BUFFERS | UInt32(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, Int(mode), nil)
        guard SSL_CTX_set_ciphersuites(pointer, Self.suites) == 1,
            SSL_CTX_set_cipher_list(pointer, Self.olderSuites) == 1
        else { throw Problem(description: "this OpenSSL has no cipher suite that is wanted") }
        // Without it OpenSSL asks at the terminal.
        SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in 0 }
        ERR_clear_error()
    }

    deinit {
        SSL_CTX_free(pointer)
    }

    /// Blocks while it reads the files.
    func use(_ identity: Identity) throws(Problem) {
        let certificate = try TLSFile(identity.certificate, "the certificate")
        let key = try TLSFile(identity.key, "the certificate's key")
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard SSL_CTX_use_certificate_chain_file(pointer, certificate.path) == 1 else {
            throw Problem(description: "\(certificate.name) holds no certificate in PEM, or a damaged one")
        }
        guard SSL_CTX_use_PrivateKey_file(pointer, key.path, SSL_FILETYPE_PEM) == 1 else {
            let reason = ERR_GET_REASON(ERR_peek_last_error())
            if reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH {
                throw Self.mismatch(certificate, key)
            }
            throw Problem(
                description: "\(key.name) holds no private key in PEM, or one that wants a passphrase", path: key.name)
        }
        guard SSL_CTX_check_private_key(pointer) == 1 else { throw Self.mismatch(certificate, key) }
    }

    private static func mismatch(_ certificate: TLSFile, _ key: TLSFile) -> Problem {
        guard let place = TLSCertificateFile.place(ofKeyIn: key.path, in: certificate.path) else {
            return Problem(description: "private key \(key.name) does not match certificate \(certificate.name)")
        }
        return Problem(
            description: "certificate \(certificate.name) is in the wrong order: the one that matches private key "
                + "\(key.name) is number \(place); put it first, and behind it the one that issued it")
    }

    /// Who is believed when they vouch for the peer's certificate. Blocks while it reads the file.
    @discardableResult
    func trust(_ name: String) throws(Problem) -> TLSFile {
        let file = try TLSFile(name, "the certificates to believe")
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard SSL_CTX_load_verify_file(pointer, file.path) == 1 else {
            throw Problem(description: "\(name) holds no certificate in PEM, or a damaged one")
        }
        return file
    }
}
