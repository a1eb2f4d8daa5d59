import Glibc
import WstanConfig
import WstanCore

/// The key that the configuration gives, and how it gives it.
struct ConfiguredKey: Sendable {
    let key: Key
    /// What it was written as; a passphrase cannot be told from its key.
    let text: Secret
    let source: KeySource
    /// What an administrator should be told.
    var warnings: [String] = []

    var ringSource: RingKey.Source {
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

    static let sizeLimit = KeyParser.sizeLimit

    static func load(_ source: KeySource) throws(Failure) -> ConfiguredKey {
        var warnings: [String] = []
        let text: String
        switch source {
        case .text(let secret):
            text = secret.text
        case .file(let path):
            text = try read(path)
            if FileReader.isWorldReadable(path) {
                warnings.append("everybody on this host can read the key in \(path): \(FileExposure.command(path))")
            }
        case .credential(let name):
            guard let directory = getenv("CREDENTIALS_DIRECTORY") else {
                throw Failure(description: "no credentials were passed: LoadCredential=\(name) in the unit passes one")
            }
            let path = String(cString: directory) + "/" + name
            guard access(path, F_OK) == 0 || errno != ENOENT else {
                throw Failure(
                    description:
                        "no credential \(name) was passed, as LoadCredential=\(name) in the unit should have done: put "
                        + "the key into /etc/credstore/\(name), or into /etc/credstore/wstan.NAME.key for wstand@NAME")
            }
            text = try read(path)
        case .environment(let name):
            guard let value = getenv(name) else {
                throw Failure(description: "the environment has no \(name), which should hold the key")
            }
            text = String(cString: value)
            // Children and readers of /proc/PID/environ, which shows the memory that it came in, have no business with it.
            memset(value, 0, strlen(value))
            unsetenv(name)
        }
        do {
            let (key, warning) = try KeyParser.read(text)
            warnings += [warning].compactMap { $0 }
            return ConfiguredKey(key: key, text: Secret(text), source: source, warnings: warnings)
        } catch {
            throw Failure(description: error.description)
        }
    }

    private static func read(_ path: String) throws(Failure) -> String {
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(path, limit: sizeLimit)
        } catch {
            throw Failure(description: "cannot read the key file \(path): \(SystemError.text(error.code))")
        }
        guard bytes.count <= sizeLimit else {
            throw Failure(description: "the key file \(path) is above \(sizeLimit) bytes")
        }
        guard let text = KeyParser.line(of: bytes) else {
            throw Failure(description: "the key file \(path) is not UTF-8 text")
        }
        return text
    }
}
