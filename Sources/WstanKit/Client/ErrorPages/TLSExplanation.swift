// A handshake's failure in words. Names and texts of a certificate are the server's, and were cut to visible characters
// when they were read.

extension TLSFailure {
    var title: String {
        switch self {
        case .expired, .notYetValid: "The server's certificate is not valid today"
        case .wrongName: "The server's certificate is for somebody else"
        case .unknownIssuer, .selfSigned, .distrusted: "The server's certificate cannot be trusted"
        case .pinMismatch: "The server's key is not the one it should be"
        case .alert(let alert) where alert.isAboutOurCertificate: "The server wants another certificate of you"
        case .alert, .noCommonVersion, .malformed, .tooLong: "No TLS with the wstan server"
        case .notTLS: "The server speaks no TLS"
        case .cut, .reset, .closed: "The way to the wstan server is cut"
        case .timedOut: "The wstan server does not answer"
        }
    }

    package var cause: String {
        switch self {
        case .expired(let day): "the server's certificate, or one it stands on, has expired on \(day)"
        case .notYetValid(let day): "the server's certificate, or one it stands on, is not valid before \(day)"
        case .wrongName(let name, let names):
            "the server's certificate is not for \(name)"
                + (names.isEmpty ? "" : " but for \(names.joined(separator: ", "))")
        case .unknownIssuer(let issuer): "the server's certificate is by '\(issuer)', which is not known here"
        case .selfSigned: "the server's certificate is signed by itself, so nobody vouches for it"
        case .distrusted(let text): "the server's certificate is not good: \(text)"
        case .pinMismatch(let key): "none of the pinned keys is the server's, which is \(key)"
        case .alert(let alert): "the server ended the TLS handshake: \(alert.text)"
        case .noCommonVersion: "the server speaks neither TLS 1.2 nor 1.3"
        case .notTLS: "what answers at the server's address speaks no TLS"
        case .malformed(let text): "the TLS handshake failed: \(text)"
        case .tooLong: "what came is longer than any TLS handshake"
        case .cut: "the connection was closed in the middle of the TLS handshake"
        case .reset: "the connection was reset in the middle of the TLS handshake"
        case .timedOut: "the TLS handshake did not end in time"
        case .closed: "the connection was given up during the TLS handshake"
        }
    }

    /// - Parameter today: what this host's clock says.
    package func advice(today: String) -> String {
        switch self {
        case .expired: "it must be renewed, unless the clock here is wrong, which says \(today)"
        case .notYetValid: "the clock here is probably wrong, it says \(today): set it"
        case .wrongName:
            "check the URI's host; if the certificate is the right one, name one of its names with sni"
        case .unknownIssuer:
            "if it is an authority of your own, name its file with ca-file; otherwise install ca-certificates, or "
                + "something on the way opens TLS"
        case .selfSigned: "if it is yours, name its file with ca-file, or its key with pin-sha256"
        case .distrusted: "have it made anew; verify = no goes on without a check, safest with pin-sha256"
        case .pinMismatch:
            "if the server has a new key, put it into pin-sha256; otherwise somebody is on the way"
        case .alert(let alert) where alert.isAboutOurCertificate:
            "it has a client-ca: name a certificate by that authority with certificate and key in [tls]"
        case .alert(.unrecognizedName): "it does not serve that name: check the URI's host, or sni"
        case .alert: "the server's log may say more"
        case .noCommonVersion: "update it"
        case .notTLS: "check the port, or write ws:// if it is meant to be without TLS"
        case .malformed, .tooLong: "check that a TLS server is there, and that nothing on the way changes what it says"
        case .cut, .reset: "something on the way does not like it, or no TLS server is there"
        case .timedOut: "the network is slow, or something on the way swallows it"
        case .closed: "try again"
        }
    }
}
