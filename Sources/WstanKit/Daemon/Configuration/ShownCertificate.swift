import WstanBase
import WstanConfig
import WstanCore

/// The certificate that an end shows, as far as an administrator must know it.
struct ShownCertificate: Equatable, Sendable {
    /// A path.
    var file: String
    /// Names and addresses that it is for.
    var names: [String]
    /// In seconds since the epoch; nil: unreadable.
    var end: Double?
    /// The host that clients know the server by, if the certificate is not for it.
    var mismatchedHost: String?
    /// Why the files as they are now cannot be used.
    var refusal: String?

    /// - Parameter name: that clients check it for; nil: unknown.
    init(_ certificate: ServerCertificate, for name: String?, refusal: TLSContext.Problem?) {
        let context = certificate.context
        file = certificate.configuration.identity.certificate
        names = context.certificateNames
        end = context.certificateEnd?.seconds
        if let name, !context.certificateIsFor(name) { mismatchedHost = name }
        self.refusal = refusal?.description
    }

    /// By which clients know a server: that of `public-uri` where it is set.
    ///
    /// - Returns: nil for an address, which may only say where to listen, and for this host itself.
    static func name(by settings: Settings) -> String? {
        let uri = settings.publicURI ?? settings.uri
        guard !uri.isLoopback, case .name(let name)? = Host(text: uri.host) else { return nil }
        return name
    }

    /// A client's own.
    init?(_ trust: ClientTrust?, _ settings: Settings) {
        guard let context = trust?.context, let file = settings.tls.certificate else { return nil }
        self.file = file
        names = context.certificateNames
        end = context.certificateEnd?.seconds
    }
}
