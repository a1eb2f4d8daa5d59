import WstanControl

/// A reply of a daemon that may not write its key file.
protocol KeyFileReply {
    var keyFile: String? { get set }
    var keyFileKey: String? { get set }
    var warnings: [String]? { get set }
}

extension RotateKey.Reply: KeyFileReply {}
extension RotateServerKey.Reply: KeyFileReply {}
extension RetireKey.Reply: KeyFileReply {}

extension KeyFileReply {
    /// Writes the key file instead, where root may.
    ///
    /// - Parameter key: what belongs there if the reply does not say.
    mutating func writeKeyFile(of instance: Instance, else key: String? = nil) {
        guard let path = keyFile, let key = keyFileKey ?? key, ConfiguredKeyFile.replace(path, of: instance, with: key)
        else { return }
        // Done now, so there is nothing to warn of.
        keyFile = nil
        keyFileKey = nil
        warnings = warnings.map { Array($0.dropFirst()) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
