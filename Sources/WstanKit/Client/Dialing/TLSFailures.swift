import WstanBase

// Of TLS with the server.
extension DialFailure {
    static func row(_ failure: TLSFailure) -> Row {
        let invalid = "The server's certificate is not valid today"
        let untrusted = "The server's certificate is not trusted"
        let none = "TLS with the server failed"
        let cut = "The connection to the server was cut"
        let today = HTTPDate.format(Int64(WallClock.now()))
        switch failure {
        case .expired(let day):
            return Row(
                "tls-expired", invalid, "the server's certificate, or one of its chain, expired on \(day)",
                advice: "renew it on the server; if it is valid, set the clock of this host, which says \(today)")
        case .notYetValid(let day):
            return Row(
                "tls-not-yet-valid", invalid,
                "the server's certificate, or one of its chain, is not valid before \(day)",
                advice: "set the clock of this host, which says \(today), if that is wrong; otherwise the server's "
                    + "certificate is")
        case .wrongName(let name, let names):
            return Row(
                "tls-wrong-name", "The server's certificate is for another name",
                "the server's certificate is not for \(name)"
                    + (names.isEmpty ? "" : " but for \(names.joined(separator: ", "))"),
                advice: "check the host in uri; if the certificate is the right one, name one of its names with sni")
        case .unknownIssuer(let issuer):
            return Row(
                "tls-unknown-issuer", untrusted,
                "the server's certificate is issued by '\(issuer)', which is not trusted here",
                advice: advice(onIssuer: issuer))
        case .selfSigned:
            return Row(
                "tls-self-signed", untrusted, "the server's certificate is self-signed",
                advice: "if it is yours, name its file with ca-file, or its key with pin-sha256")
        case .distrusted(let text):
            return Row(
                "tls-distrusted", untrusted, "the server's certificate is not accepted: \(text)",
                advice: "issue it anew; verify = no turns the check off, and is safe only with pin-sha256")
        case .pinMismatch(let key):
            return Row(
                "tls-pin", "The server's key is not the pinned one",
                "none of the keys in pin-sha256 is the server's, which is \(key)",
                advice: "if the server has a new key, put it into pin-sha256; otherwise another host may be answering")
        case .alert(let alert) where alert.isAboutOurCertificate:
            return Row(
                "tls-client-certificate", "The server requires another certificate of this client",
                "the server ended the TLS handshake: \(alert.text)",
                advice:
                    "the server has client-ca: name a certificate of that authority with certificate and key in [tls]")
        case .alert(.unrecognizedName):
            return Row(
                "tls-name-not-served", none, "the server ended the TLS handshake: unrecognized name",
                advice: "the server does not serve that name: check the host in uri, or sni")
        case .alert(let alert):
            return Row(
                "tls-alert", none, "the server ended the TLS handshake: \(alert.text)",
                advice: "the server's log may say more")
        case .noCommonVersion:
            return Row(
                "tls-version", none, "the server supports neither TLS 1.2 nor TLS 1.3",
                advice: "update the server, or what ends TLS before it")
        case .notTLS(let banner):
            return Row(
                "tls-not-spoken", "The server's port does not speak TLS",
                "the server's port does not speak TLS" + words(banner),
                advice: banner == .ssh
                    ? "an SSH server listens there: check the port in uri"
                    : "check the port in uri; write ws:// if it has no TLS")
        case .malformed(let text):
            return Row(
                "tls-malformed", none, "the TLS handshake failed: \(text)",
                advice: "check that a TLS server listens there; something on the way may change what it says")
        case .tooLong:
            return Row(
                "tls-too-long", none, "the TLS handshake was too long",
                advice: "check that a TLS server listens there; something on the way may change what it says")
        case .cut:
            return Row(
                "tls-closed", cut, "the connection was closed during the TLS handshake",
                advice: "a firewall on the way may do this, the server may be restarting, or the port may not speak TLS"
            )
        case .reset:
            return Row(
                "tls-reset", cut, "the connection was reset during the TLS handshake",
                advice: "a firewall on the way may do this, or the port may not speak TLS")
        case .timedOut:
            return Row(
                "tls-timed-out", "The server does not answer", "the TLS handshake timed out",
                advice: "the network may be slow, or something on the way may drop the packets"
            ).late
        case .closed:
            return Row(
                "tls-abandoned", cut, "the TLS handshake was abandoned by this side", advice: "try again")
        }
    }

    private static func advice(onIssuer issuer: String) -> String {
        if let product = Interceptors.name(in: issuer) {
            return
                "\(product) opens TLS on the way: write ws:// in uri, where the key encrypts, or have the server exempted; with "
                + "its certificate in ca-file it could read everything"
        }
        return "if it is your own authority, name its file with ca-file; otherwise install ca-certificates; a proxy on "
            + "the way may open TLS: then write ws:// in uri, where the key encrypts"
    }
}
