import COpenSSL
import WstanBase

/// TLS as a client speaks it: whom it believes, and what it shows of itself.
package final class TLSClientContext: TLSContext, @unchecked Sendable {
    package struct Configuration: Sendable, Equatable {
        /// A path of PEM: whom it believes; nil: whom the system does.
        package var caFile: String?
        /// SHA-256 of SubjectPublicKeyInfo: one of the server's chain must be among them; empty: any.
        var pins: [[UInt8]] = []
        /// Whether the certificate must be one that somebody believed vouches for, and of the right name. Without it the
        /// server's own key must be among the pins, if there are any.
        var verifies = true
        /// Its own certificate, for servers that want one.
        package var identity: Identity?

        package init(caFile: String? = nil, pins: [[UInt8]] = [], verifies: Bool = true, identity: Identity? = nil) {
            self.caFile = caFile
            self.pins = pins
            self.verifies = verifies
            self.identity = identity
        }
    }

    private let pins: [[UInt8]]
    private let verifies: Bool

    /// Blocks while it reads the files.
    package init(_ configuration: Configuration) throws(Problem) {
        pins = configuration.pins
        verifies = configuration.verifies
        try super.init(method: TLS_client_method())
        // The length stands before the name (RFC 7301 section 3.1). Zero is yes here.
        let protocols = [8] + Array("http/1.1".utf8)
        guard SSL_CTX_set_alpn_protos(pointer, protocols, UInt32(protocols.count)) == 0 else {
            throw Problem(description: "OpenSSL cannot be set up")
        }
        if let file = configuration.caFile {
            try trust(file)
            // Whoever is named there is believed, whether it is a root or not.
            X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(pointer), UInt(X509_V_FLAG_PARTIAL_CHAIN))
        } else {
            SSL_CTX_set_default_verify_paths(pointer)
        }
        if let identity = configuration.identity { try use(identity) }
        // Whatever is wrong with a certificate ends the handshake, and `judge` says what is wrong.
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        SSL_CTX_set_cert_verify_callback(pointer, verifyServer, Unmanaged.passUnretained(self).toOpaque())
        // Sessions are kept by `TLSSessions`, which knows whose they are.
        let mode = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(mode), nil)
        SSL_CTX_sess_set_new_cb(pointer, keepSession)
        ERR_clear_error()
    }

    /// - Returns: what is wrong with the server's certificate; nil when nothing is.
    fileprivate func judge(_ store: OpaquePointer, name: Host?) -> TLSFailure? {
        let own = X509_STORE_CTX_get0_cert(store)
        var chain = [own]
        if verifies {
            guard X509_verify_cert(store) == 1 else { return Self.failure(of: store, name: name) }
            let built = X509_STORE_CTX_get0_chain(store)
            chain = (0..<max(0, OPENSSL_sk_num(built))).map { OPENSSL_sk_value(built, $0).map { OpaquePointer($0) } }
        }
        guard pins.isEmpty || chain.contains(where: { TLSCertificate.pin($0).map(pins.contains) ?? false }) else {
            X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
            return .pinMismatch(key: TLSCertificate.pin(own).map(TLSCertificate.text(ofPin:)) ?? "unreadable")
        }
        X509_STORE_CTX_set_error(store, X509_V_OK)
        return nil
    }

    private static func failure(of store: OpaquePointer, name: Host?) -> TLSFailure {
        let error = X509_STORE_CTX_get_error(store)
        let culprit = X509_STORE_CTX_get_current_cert(store) ?? X509_STORE_CTX_get0_cert(store)
        switch error {
        case X509_V_ERR_CERT_HAS_EXPIRED: return .expired(on: TLSCertificate.lastDay(culprit))
        case X509_V_ERR_CERT_NOT_YET_VALID: return .notYetValid(until: TLSCertificate.firstDay(culprit))
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            let names = TLSCertificate.names(X509_STORE_CTX_get0_cert(store))
            return .wrongName(name.map { "\($0)" } ?? "", names: names)
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return .selfSigned
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return .unknownIssuer(TLSCertificate.issuer(culprit))
        default:
            return .distrusted(
                X509_verify_cert_error_string(Int(error)).map { String(cString: $0) } ?? "error \(error)")
        }
    }
}

/// Called in the middle of a handshake, instead of OpenSSL's own check, which is a part of it.
private func verifyServer(_ store: OpaquePointer?, _ argument: UnsafeMutableRawPointer?) -> Int32 {
    guard let store, let argument else { return 0 }
    let context = Unmanaged<TLSClientContext>.fromOpaque(argument).takeUnretainedValue()
    let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()).map { OpaquePointer($0) }
    let session = TLSSession.of(ssl)
    guard let failure = context.judge(store, name: session?.name) else { return 1 }
    session?.distrust = failure
    return 0
}

/// Called whenever the server has given something to resume by.
private func keepSession(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
    guard let session, let owner = TLSSession.of(ssl) else { return 0 }
    return owner.keep(session) ? 1 : 0
}
