import WstanConfig
import WstanCore

/// What a client believes of servers under TLS, as it was read from its files.
package struct ClientTrust: Sendable {
    let context: TLSClientContext
    /// The files, when they were read.
    let marks: [FileMark]

    /// Blocks.
    ///
    /// - Returns: nil without a server behind `wss://`.
    static func load(_ settings: Settings) throws(TLSContext.Problem) -> ClientTrust? {
        guard settings.mode == .client, settings.uris.contains(where: { $0.scheme == .wss }) else { return nil }
        let files = [settings.tls.caFile, settings.tls.certificate, settings.tls.key].compactMap { $0 }
        // Before they are read: what changes meanwhile counts as changed.
        let marks = files.map(FileMark.init(of:))
        return ClientTrust(context: try TLSClientContext(TLSClientContext.Configuration(settings.tls)), marks: marks)
    }

    /// A key that others can read, and files that they can change.
    static func exposures(of settings: TLSSettings) -> [String] {
        let key = settings.key ?? settings.certificate
        return (key.map { FileExposure.warnings($0, holding: "the private key") } ?? [])
            + [settings.caFile, settings.key == nil ? nil : settings.certificate].compactMap { $0 }
            .flatMap(FileExposure.changes)
    }
}
