import COpenSSL

extension TLSSession {
    /// What both ends of this TLS connection know, and no other connection has: the exporter of RFC 9266.
    ///
    /// - Returns: 32 bytes; nil below TLS 1.3.
    package var channelBinding: [UInt8]? {
        guard let ssl, isEstablished, SSL_version(ssl) == TLS1_3_VERSION else { return nil }
        let label = "EXPORTER-Channel-Binding"
        var value = [UInt8](repeating: 0, count: 32)
        let done = SSL_export_keying_material(ssl, &value, value.count, label, label.utf8.count, nil, 0, 0)
        return done == 1 ? value : nil
    }
}
