import Glibc
import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// The key that the configuration gives, and how it gives it.
struct ConfiguredKey: Sendable {
    let key: TunnelKey
    /// What it was written as; a passphrase cannot be told from its key.
    let text: Secret
    let source: KeySource
    /// What an administrator should be told.
    var warnings: [String] = []

    var ringSource: RingSource {
        switch source {
        case .text, .file, .environment: .configuration
        case .credential: .credential
        }
    }
}

/// Gets the key from where the configuration says it is.
enum KeyLoader {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func load(_ settings: Settings) throws(Failure) -> ConfiguredKey {
        var key = try load(settings.key, isClient: settings.mode == .client)
        if settings.compatible, !key.key.isOfVersion1, settings.mode == .client || !settings.acceptV1 {
            key.warnings.append("compatible has no effect with a key of version 2: remove it")
        }
        return key
    }

    /// - Parameter isClient: which end it is for: key strings of version 2 are for one.
    static func load(_ source: KeySource, isClient: Bool) throws(Failure) -> ConfiguredKey {
        try Erasure.during { () throws(Failure) in try read(source, isClient) }
    }

    private static func read(_ source: KeySource, _ isClient: Bool) throws(Failure) -> ConfiguredKey {
        var warnings: [String] = []
        let read: (text: KeyText, name: String)
        switch source {
        case .text(let secret):
            read = try (keyText(in: "the key") { () throws(KeyText.Problem) in try KeyText(secret.text) }, "the key")
        case .file(let path):
            read = try self.read(path)
            warnings += FileExposure.warnings(path, holding: "the key")
        case .credential(let name):
            read = try self.read(credential(name))
        case .environment(let name):
            guard let value = getenv(name) else {
                throw Failure(description: "the environment has no \(Printable.line(name)), which should hold the key")
            }
            let text = String(cString: value)
            // Children and readers of /proc/PID/environ, which shows the memory that it came in, have no business with it.
            memset(value, 0, strlen(value))
            unsetenv(name)
            let place = "the key in the variable \(Printable.line(name))"
            read = try (keyText(in: place) { () throws(KeyText.Problem) in try KeyText(text) }, place)
        }
        do {
            let (key, warning) = try KeyParser.read(read.text, isClient: isClient)
            warnings += [warning].compactMap { $0 }
            return ConfiguredKey(key: key, text: Secret(read.text.text), source: source, warnings: warnings)
        } catch {
            throw Failure(description: "\(read.name) \(error)")
        }
    }

    /// - Returns: the path of its file.
    private static func credential(_ name: String) throws(Failure) -> String {
        guard let directory = getenv("CREDENTIALS_DIRECTORY") else {
            throw Failure(description: "no credentials were passed: LoadCredential=\(name) in the unit passes one")
        }
        let path = String(cString: directory) + "/" + name
        let name = Printable.line(name)
        guard access(path, F_OK) == 0 || errno != ENOENT else {
            throw Failure(
                description:
                    "the credential \(name) was not passed (LoadCredential=\(name) in the unit): put the key into "
                    + "/etc/credstore/\(name), or into /etc/credstore/wstan.NAME.key for wstand@NAME")
        }
        return path
    }

    private static func read(_ path: String) throws(Failure) -> (text: KeyText, name: String) {
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(path, limit: KeyText.sizeLimit)
        } catch {
            throw Failure(description: "cannot read the key file \(Printable.line(path)): \(error.text)")
        }
        let name = "the key in \(Printable.line(path))"
        return (try keyText(in: name) { () throws(KeyText.Problem) in try KeyText(firstLineOf: bytes) }, name)
    }

    private static func keyText(
        in place: String, _ read: () throws(KeyText.Problem) -> KeyText
    ) throws(Failure) -> KeyText {
        do throws(KeyText.Problem) {
            return try read()
        } catch {
            throw Failure(description: "\(place) \(error)")
        }
    }
}
