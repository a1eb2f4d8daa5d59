import WstanBase
import WstanCore

/// What a server's certificate says, after a handshake that was good.
struct CertificateObservation {
    let peer: TLSPeer
    /// Seconds since the epoch.
    let now: Double
    /// Whether the configuration itself names who is believed, or whose key.
    let isOwnTrust: Bool

    /// Who renews by a timer has done it by then, and who does it by hand has time left.
    static let notice: Double = 14 * 86_400

    var findings: [Finding] {
        let about = "\(peer.version), a certificate for \(peer.names.listed()) by '\(peer.issuer)'"
        var findings: [Finding] = []
        if let end = peer.validUntil, end - now < Self.notice {
            let what = peer.endsByItself ? "that expires" : "that stands on one that expires"
            findings.append(
                .warning(
                    "TLS", "\(about) \(what) on \(peer.lastDay), in \(HumanText.seconds(end - now))",
                    remedy: "have it renewed, and see why that has not happened by itself (certbot renew --dry-run)"))
        } else {
            findings.append(.ok("TLS", "\(about), good until \(peer.lastDay)"))
        }
        if !isOwnTrust, let who = Interceptors.name(in: peer.issuerInFull) {
            findings.append(
                .warning(
                    "TLS",
                    "\(who) seems to open TLS on the way, and with wss:// nothing else seals what goes through the tunnel",
                    remedy: "use ws://, where the key seals it, or pin the server's key with pin-sha256 from another "
                        + "network"))
        }
        return findings
    }

    /// What a handshake that failed means.
    static func finding(_ failure: TLSFailure) -> Finding {
        let said = DialFailure.tls(failure)
        switch failure {
        case .timedOut, .cut, .reset, .closed:
            return .failed(.reach, "TLS", said.cause, remedy: said.advice)
        case .expired, .notYetValid, .wrongName, .unknownIssuer, .selfSigned, .distrusted, .pinMismatch, .alert,
            .noCommonVersion, .notTLS, .malformed, .tooLong:
            return .failed(.other, "TLS", said.cause, remedy: said.advice)
        }
    }
}
