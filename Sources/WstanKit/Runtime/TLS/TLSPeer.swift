import COpenSSL
import Glibc

/// What the peer has shown of itself in a handshake, in words for a person.
package struct TLSPeer: Equatable, Sendable {
    /// `TLSv1.3`.
    package var version: String
    /// What its certificate is for.
    package var names: [String]
    /// Who has signed it, by its common name.
    package var issuer: String
    /// The same with country, organisation and the rest.
    package var issuerInFull: String
    /// When the first certificate of its chain ends, in seconds since the epoch; nil: unreadable.
    package var validUntil: Double?
    /// The same as a day.
    package var lastDay: String
    /// Whether that is its own, and not one that it stands on.
    package var endsByItself = true
}

extension TLSPeer {
    /// - Returns: nil unless the handshake is over and the peer has a certificate.
    package init?(_ session: TLSSession) {
        guard session.isEstablished, let ssl = session.ssl, let own = SSL_get0_peer_certificate(ssl) else { return nil }
        var first = (certificate: own, end: TLSCertificate.end(own))
        // There is none without a check, and that of the certificate alone is all that is known then.
        let chain = SSL_get0_verified_chain(ssl)
        for index in 0..<max(0, OPENSSL_sk_num(chain)) {
            guard let next = OPENSSL_sk_value(chain, index).map({ OpaquePointer($0) }) else { continue }
            if let end = TLSCertificate.end(next), end < first.end ?? .infinity { first = (next, end) }
        }
        self.init(
            version: SSL_get_version(ssl).map { String(cString: $0) } ?? "TLS", names: TLSCertificate.names(own),
            issuer: TLSCertificate.issuer(own), issuerInFull: TLSCertificate.issuerInFull(own), validUntil: first.end,
            lastDay: TLSCertificate.lastDay(first.certificate), endsByItself: first.certificate == own)
    }
}

extension TLSCertificate {
    /// When it ends, in seconds since the epoch; nil when it does not say so in good order.
    static func end(_ certificate: OpaquePointer?) -> Double? {
        var calendar = tm()
        guard let time = X509_get0_notAfter(certificate), ASN1_TIME_to_tm(time, &calendar) == 1 else { return nil }
        return Double(timegm(&calendar))
    }
}

extension TLSContext {
    private var certificate: OpaquePointer? { SSL_CTX_get0_certificate(pointer) }

    /// When its certificate ends, in seconds since the epoch, and as a day.
    package var certificateEnd: (seconds: Double, day: String)? {
        guard let certificate else { return nil }
        return TLSCertificate.end(certificate).map { ($0, TLSCertificate.lastDay(certificate)) }
    }

    /// What its certificate is for; empty without one.
    package var certificateNames: [String] { certificate.map { TLSCertificate.names($0) } ?? [] }

    /// By the rules by which clients check it (RFC 6125).
    package func certificateIsFor(_ name: String) -> Bool {
        guard let certificate else { return false }
        return X509_check_host(certificate, name, name.utf8.count, 0, nil) == 1
    }
}
