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
    ///
    /// - Parameter today: what this host's clock says, as a date.
    static func finding(_ failure: TLSFailure, today: String) -> Finding {
        var remedy = failure.advice(today: today)
        if case .unknownIssuer(let issuer) = failure {
            if let who = Interceptors.name(in: issuer) {
                remedy =
                    "\(who) opens TLS on the way: use ws://, where the key seals, or ask for the server to be let "
                    + "through unopened; ca-file with its certificate would let it read everything"
            } else {
                remedy += "; when the network's own proxy signs this, use ws://, where the key seals"
            }
        }
        switch failure {
        case .timedOut, .cut, .reset, .closed:
            return .failed(.reach, "TLS", failure.cause, remedy: remedy)
        case .expired, .notYetValid, .wrongName, .unknownIssuer, .selfSigned, .distrusted, .pinMismatch, .alert,
            .noCommonVersion, .notTLS, .malformed, .tooLong:
            return .failed(.other, "TLS", failure.cause, remedy: remedy)
        }
    }
}

/// Products that open TLS between a network and the world, by what they call themselves in certificates.
enum Interceptors {
    private static let names = [
        "Zscaler", "Netskope", "Fortinet", "FortiGate", "Palo Alto", "Blue Coat", "Umbrella", "Sophos", "Check Point",
        "WatchGuard", "Barracuda", "SonicWall", "Forcepoint", "Websense", "McAfee", "Skyhigh", "Trend Micro",
        "Kaspersky", "avast", "Avast", "ESET", "Bitdefender", "AdGuard", "Untangle", "Smoothwall", "Lightspeed",
        "iboss", "Cato Networks", "Gateway CA", "mitmproxy", "Squid", "Charles Proxy", "PortSwigger", "Fiddler",
    ]

    static func name(in issuer: String) -> String? {
        names.first { issuer.contains($0) }
    }
}
