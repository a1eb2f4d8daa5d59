import COpenSSL

/// TLS as a server speaks it, by one certificate. A new certificate makes a new one of these; connections keep theirs.
package final class TLSServerContext: TLSContext, @unchecked Sendable {
    package struct Configuration: Sendable, Equatable {
        package var identity: Identity
        /// A path of PEM: clients must have a certificate by one of these.
        package var clientCA: String?

        package init(identity: Identity, clientCA: String? = nil) {
            self.identity = identity
            self.clientCA = clientCA
        }
    }

    /// What an administrator should be told about the certificate; nil: nothing.
    package private(set) var warning: String?

    /// Blocks while it reads the files.
    ///
    /// - Parameter former: the one before, whose clients may resume their sessions.
    package init(_ configuration: Configuration, succeeding former: TLSServerContext? = nil) throws(Problem) {
        try super.init(method: TLS_server_method())
        SSL_CTX_set_options(pointer, COPENSSL_SERVER_PREFERENCE)
        // What is needed to resume a session is in the ticket, with the client.
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        SSL_CTX_set_alpn_select_cb(pointer, selectHTTP, nil)
        try use(configuration.identity)
        let purpose = Array("wstan".utf8)
        SSL_CTX_set_session_id_context(pointer, purpose, UInt32(purpose.count))
        if let file = configuration.clientCA {
            let authority = try trust(file)
            SSL_CTX_set_client_CA_list(pointer, SSL_load_client_CA_file(authority.path))
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        } else if let former {
            // Not with clients' certificates: a ticket would keep one alive whose authority is believed no more.
            takeTicketKeys(of: former)
        }
        warning = Self.warning(about: SSL_CTX_get0_certificate(pointer), in: configuration.identity.certificate)
        ERR_clear_error()
    }

    private func takeTicketKeys(of former: TLSServerContext) {
        // Name, HMAC key and AES key of RFC 5077; OpenSSL says how long they are when it is given nowhere to put them.
        let size = SSL_CTX_ctrl(former.pointer, SSL_CTRL_GET_TLSEXT_TICKET_KEYS, 0, nil)
        guard size > 0 else { return }
        var keys = [UInt8](repeating: 0, count: size)
        if SSL_CTX_ctrl(former.pointer, SSL_CTRL_GET_TLSEXT_TICKET_KEYS, size, &keys) == 1 {
            _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, size, &keys)
        }
        OPENSSL_cleanse(&keys, keys.count)
    }

    /// Where a protocol stands in a list of them, each with its length before it (RFC 7301 section 3.1).
    static func place(of name: String, in list: some RandomAccessCollection<UInt8>) -> Range<Int>? {
        var rest = list[...]
        var start = 0
        while let count = rest.first.map(Int.init), rest.count > count {
            if rest.dropFirst().prefix(count).elementsEqual(name.utf8) { return (start + 1)..<(start + 1 + count) }
            rest = rest.dropFirst(count + 1)
            start += count + 1
        }
        return nil
    }

    private static func warning(about certificate: OpaquePointer?, in file: String) -> String? {
        guard let certificate else { return nil }
        if X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0 {
            return "the certificate in \(file) has expired on \(TLSCertificate.lastDay(certificate)): renew it"
        }
        if X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0 {
            return "the certificate in \(file) is not valid before \(TLSCertificate.firstDay(certificate)): "
                + "is the clock right?"
        }
        return nil
    }
}

/// Chooses http/1.1 (RFC 7301 section 3.2); a client that offers protocols without it is told that there is none, as nginx does.
private func selectHTTP(
    _ ssl: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ count: UInt32,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let chosen, let chosenCount, let offered else { return SSL_TLSEXT_ERR_NOACK }
    guard let place = TLSServerContext.place(of: "http/1.1", in: UnsafeBufferPointer(start: offered, count: Int(count)))
    else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    chosen.pointee = offered + place.lowerBound
    chosenCount.pointee = UInt8(clamping: place.count)
    return SSL_TLSEXT_ERR_OK
}
