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

    /// - Parameter host: of the server's URI. An address there may only say where to listen.
    init(_ certificate: ServerCertificate, host: String, refusal: TLSContext.Problem?) {
        let context = certificate.context
        file = certificate.configuration.identity.certificate
        names = context.certificateNames
        end = context.certificateEnd?.seconds
        if case .name(let name)? = Host(text: host), !context.certificateIsFor(name) { mismatchedHost = name }
        self.refusal = refusal?.description
    }

    /// A client's own.
    init?(_ trust: ClientTrust?, _ settings: Settings) {
        guard let context = trust?.context, let file = settings.tls.certificate else { return nil }
        self.file = file
        names = context.certificateNames
        end = context.certificateEnd?.seconds
    }
}
