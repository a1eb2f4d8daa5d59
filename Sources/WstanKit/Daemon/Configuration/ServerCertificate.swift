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
    var warnings: [String] { [context.warning].compactMap { $0 } + Self.exposures(of: configuration) }

    static func marks(of configuration: TLSServerContext.Configuration) -> [FileMark] {
        [configuration.identity.certificate, configuration.identity.key, configuration.clientCA].compactMap {
            $0.map(FileMark.init(of:))
        }
    }

    /// A key that others can read, and files that they can change.
    static func exposures(of configuration: TLSServerContext.Configuration) -> [String] {
        let others = [configuration.identity.certificate, configuration.clientCA].compactMap { $0 }
        let all = FileExposure.warnings(configuration.identity.key, holding: "the private key")
            + others.flatMap(FileExposure.changes)
        return all.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
