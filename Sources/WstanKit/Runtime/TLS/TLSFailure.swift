import COpenSSL
import WstanBase

/// Why a handshake came to nothing, or a connection ended in the middle.
package enum TLSFailure: Error, Equatable {
    /// Its certificate, or one that leads to it, is valid until a day in the past.
    case expired(on: String)
    /// The same, from a day in the future on.
    case notYetValid(until: String)
    /// The certificate is for others.
    case wrongName(String, names: [String])
    /// Nobody who is believed vouches for it; `issuer` does.
    case unknownIssuer(String)
    /// It vouches for itself.
    case selfSigned
    /// Something else is wrong with the certificate, in OpenSSL's words.
    case distrusted(String)
    /// No certificate has one of the keys that were asked for; `key` is the server's, as a pin is written.
    case pinMismatch(key: String)
    /// The peer said in an alert why it will not (RFC 8446 section 6).
    case alert(TLSAlert)
    /// Neither side speaks what the other wants.
    case noCommonVersion
    /// What came is not TLS.
    case notTLS(Banner)
    /// It broke some other rule, in OpenSSL's words.
    case malformed(String)
    /// More bytes than a handshake has.
    case tooLong
    /// The connection ended in the middle.
    case cut
    case reset
    case timedOut
    /// Closed from this side.
    case closed
}

/// An alert's number (RFC 8446 section 6).
package struct TLSAlert: Equatable {
    let number: Int32

    static let badCertificate = TLSAlert(number: SSL_AD_BAD_CERTIFICATE)
    static let certificateRequired = TLSAlert(number: SSL_AD_CERTIFICATE_REQUIRED)
    static let protocolVersion = TLSAlert(number: SSL_AD_PROTOCOL_VERSION)
    static let unrecognizedName = TLSAlert(number: SSL_AD_UNRECOGNIZED_NAME)

    /// The peer does not like our certificate, or that there is none.
    package var isAboutOurCertificate: Bool {
        switch number {
        case SSL_AD_CERTIFICATE_REQUIRED, SSL_AD_BAD_CERTIFICATE, SSL_AD_UNSUPPORTED_CERTIFICATE,
            SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED, SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNKNOWN_CA:
            true
        default: false
        }
    }

    /// The RFC's words.
    var text: String {
        switch number {
        case SSL_AD_UNEXPECTED_MESSAGE: "unexpected message"
        case SSL_AD_BAD_RECORD_MAC: "bad record MAC"
        case SSL_AD_RECORD_OVERFLOW: "record overflow"
        case SSL_AD_HANDSHAKE_FAILURE: "handshake failure"
        case SSL_AD_BAD_CERTIFICATE: "bad certificate"
        case SSL_AD_UNSUPPORTED_CERTIFICATE: "unsupported certificate"
        case SSL_AD_CERTIFICATE_REVOKED: "certificate revoked"
        case SSL_AD_CERTIFICATE_EXPIRED: "certificate expired"
        case SSL_AD_CERTIFICATE_UNKNOWN: "certificate unknown"
        case SSL_AD_ILLEGAL_PARAMETER: "illegal parameter"
        case SSL_AD_UNKNOWN_CA: "unknown certificate authority"
        case SSL_AD_ACCESS_DENIED: "access denied"
        case SSL_AD_DECODE_ERROR: "decode error"
        case SSL_AD_DECRYPT_ERROR: "decrypt error"
        case SSL_AD_PROTOCOL_VERSION: "protocol version"
        case SSL_AD_INSUFFICIENT_SECURITY: "insufficient security"
        case SSL_AD_INTERNAL_ERROR: "internal error"
        case SSL_AD_USER_CANCELLED: "user canceled"
        case SSL_AD_MISSING_EXTENSION: "missing extension"
        case SSL_AD_UNSUPPORTED_EXTENSION: "unsupported extension"
        case SSL_AD_UNRECOGNIZED_NAME: "unrecognized name"
        case SSL_AD_CERTIFICATE_REQUIRED: "certificate required"
        case SSL_AD_NO_APPLICATION_PROTOCOL: "no application protocol"
        default: "alert \(number)"
        }
    }
}

extension TLSFailure {
    /// What stands first in OpenSSL's queue of errors, which is emptied.
    ///
    /// - Parameter heard: what the peer said first.
    static func ofQueue(heard: @autoclosure () -> [UInt8] = []) -> TLSFailure {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return .malformed("unknown error") }
        let reason = ERR_GET_REASON(code)
        guard ERR_GET_LIB(code) == ERR_LIB_SSL else { return .malformed(text(code)) }
        // Alerts of the peer come as reasons of their own numbers.
        if reason >= SSL_AD_REASON_OFFSET {
            let alert = TLSAlert(number: reason - SSL_AD_REASON_OFFSET)
            return alert == .protocolVersion ? .noCommonVersion : .alert(alert)
        }
        switch reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_CERTIFICATE_VERIFY_FAILED:
            return .distrusted(text(code))
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG,
            SSL_R_UNEXPECTED_MESSAGE:
            return .notTLS(Banner(heard()))
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE,
            SSL_R_UNKNOWN_PROTOCOL, SSL_R_UNSUPPORTED_SSL_VERSION, SSL_R_WRONG_SSL_VERSION:
            return .noCommonVersion
        default: return .malformed(text(code))
        }
    }

    private static func text(_ code: UInt) -> String {
        ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
    }

    /// The reason code for log lines.
    var code: String {
        switch self {
        case .expired: "tls-expired"
        case .notYetValid: "tls-not-yet-valid"
        case .wrongName: "tls-wrong-name"
        case .unknownIssuer: "tls-unknown-issuer"
        case .selfSigned: "tls-self-signed"
        case .distrusted: "tls-distrusted"
        case .pinMismatch: "tls-pin"
        case .alert(let alert): alert.isAboutOurCertificate ? "tls-alert-certificate" : "tls-alert"
        case .noCommonVersion: "tls-version"
        case .notTLS: "not-tls"
        case .malformed: "tls-malformed"
        case .tooLong: "tls-too-long"
        case .cut: "tls-cut"
        case .reset: "tls-reset"
        case .timedOut: "timed-out"
        case .closed: "closed"
        }
    }
}
