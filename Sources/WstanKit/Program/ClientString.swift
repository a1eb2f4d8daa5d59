import Glibc
import WstanConfig
import WstanControl
import WstanCore

/// What `wstand --client-key` prints: the string of the client whose key is in a server's string.
enum ClientString {
    static func ofServerOnStdin() throws(ConfigurationFailure) -> String {
        let bytes: [UInt8]
        do throws(FileReader.Failure) {
            bytes = try FileReader.read(from: STDIN_FILENO, limit: KeyText.sizeLimit)
        } catch {
            throw failure("cannot be read: \(error.text)")
        }
        return try string(of: bytes)
    }

    /// - Parameter bytes: of a key file.
    static func string(of bytes: [UInt8]) throws(ConfigurationFailure) -> String {
        let text: KeyText
        do throws(KeyText.Problem) {
            text = try KeyText(firstLineOf: bytes)
        } catch {
            throw failure("\(error)")
        }
        guard text.isKeyString else { throw failure("is of version 1, where both ends have the same") }
        do throws(KeyParser.Problem) {
            guard let string = try KeyParser.read(text, isClient: true).key.text else {
                preconditionFailure("the key of a string of version 2 has a text")
            }
            return string
        } catch {
            throw failure("\(error)")
        }
    }

    private static func failure(_ problem: String) -> ConfigurationFailure {
        ConfigurationFailure(
            [Diagnostic(.error, at: .commandLine, "the key on stdin \(problem)")], exitStatus: .configuration)
    }
}
