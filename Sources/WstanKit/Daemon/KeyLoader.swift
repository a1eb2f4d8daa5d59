import Glibc

/// Gets the key from where the configuration says it is.
enum KeyLoader {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let sizeLimit = 4096

    /// - Returns: the key, and what an administrator should be warned of.
    static func load(_ source: KeySource) throws(Failure) -> (key: Key, warnings: [String]) {
        var warnings: [String] = []
        let text: String
        switch source {
        case .text(let secret):
            text = secret.text
        case .file(let path):
            text = try read(path)
            if FileReader.isWorldReadable(path) {
                warnings.append("everybody on this host can read the key in \(path): chmod o-r \(path)")
            }
        case .credential(let name):
            guard let directory = getenv("CREDENTIALS_DIRECTORY") else {
                throw Failure(description: "no credentials were passed: LoadCredential=\(name) in the unit passes one")
            }
            text = try read(String(cString: directory) + "/" + name)
        case .environment(let name):
            guard let value = getenv(name) else {
                throw Failure(description: "the environment has no \(name), which should hold the key")
            }
            text = String(cString: value)
            // Children and readers of /proc/PID/environ, which shows the memory that it came in, have no business with it.
            memset(value, 0, strlen(value))
            unsetenv(name)
        }
        guard let key = Key(text: text) else { throw Failure(description: "the key is empty: wstand -g makes one") }
        if key.bytes.count == 32, text.utf8.count < 12 {
            warnings.append(
                "the passphrase is short, and whoever records a request can try passphrases: wstand -g makes a key")
        }
        return (key, warnings)
    }

    /// The first line, without white space around it.
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
        let line = bytes.prefix { $0 != 10 && $0 != 13 }
        guard let text = String(validating: line, as: UTF8.self) else {
            throw Failure(description: "the key file \(path) is not UTF-8 text")
        }
        let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(text.drop(while: blank).reversed().drop(while: blank).reversed())
    }
}
