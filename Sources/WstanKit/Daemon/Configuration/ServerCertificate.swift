import WstanConfig
import WstanCore

/// A server's certificate, as it was read from its files.
struct ServerCertificate: Sendable {
    let configuration: TLSServerContext.Configuration
    let context: TLSServerContext
    /// The files, when they were read.
    let marks: [FileMark]

    /// Blocks.
    ///
    /// - Parameter former: whose sessions can be resumed.
    init(
        _ configuration: TLSServerContext.Configuration, succeeding former: TLSServerContext? = nil
    ) throws(TLSContext.Problem) {
        self.configuration = configuration
        // Before they are read: what changes meanwhile is read once more.
        marks = Self.marks(of: configuration)
        context = try TLSServerContext(configuration, succeeding: former)
    }

    /// - Returns: nil when TLS is not this server's to speak: its URI says `ws://`, or a front ends TLS.
    static func load(_ settings: Settings) throws(TLSContext.Problem) -> ServerCertificate? {
        guard settings.mode == .server, settings.uri.scheme == .wss,
            let configuration = TLSServerContext.Configuration(settings.tls)
        else { return nil }
        return try ServerCertificate(configuration)
    }

    /// What its owner should know.
    var warnings: [String] { [context.warning, Self.exposure(of: configuration)].compactMap { $0 } }

    static func marks(of configuration: TLSServerContext.Configuration) -> [FileMark] {
        [configuration.identity.certificate, configuration.identity.key, configuration.clientCA].compactMap {
            $0.map(FileMark.init(of:))
        }
    }

    /// A key that every user can read is a warning.
    static func exposure(of configuration: TLSServerContext.Configuration) -> String? {
        let key = configuration.identity.key
        guard FileReader.isWorldReadable(key) else { return nil }
        return "every user of this host can read the private key in \(key): \(FileExposure.command(key))"
    }
}
