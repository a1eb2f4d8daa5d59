import COpenSSL

/// A file of PEM with several certificates.
enum TLSCertificateFile {
    /// The most that are looked at.
    private static let most = 20

    /// The number of the certificate in a file that a private key belongs to, counted from one; nil if it belongs to none.
    /// Blocks while it reads the files.
    static func place(ofKeyIn keyFile: String, in certificates: String) -> Int? {
        guard let key = BIO_new_file(keyFile, "r"), let file = BIO_new_file(certificates, "r") else { return nil }
        defer {
            BIO_free(key)
            BIO_free(file)
            ERR_clear_error()
        }
        // Without a callback OpenSSL asks for a passphrase at the terminal.
        guard let own = PEM_read_bio_PrivateKey(key, nil, { _, _, _, _ in 0 }, nil) else { return nil }
        defer { EVP_PKEY_free(own) }
        for place in 1...most {
            guard let certificate = PEM_read_bio_X509(file, nil, { _, _, _, _ in 0 }, nil) else { return nil }
            defer { X509_free(certificate) }
            if X509_check_private_key(certificate, own) == 1 { return place }
        }
        return nil
    }
}
