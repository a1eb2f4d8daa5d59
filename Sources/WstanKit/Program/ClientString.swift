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
        let string: KeyString
        do throws(KeyString.Problem) {
            string = try KeyString(text: text.text)
        } catch {
            throw failure(error.advised)
        }
        guard string.kind != .client else { throw failure("is a client's already") }
        guard let client = string.clientKey else {
            throw failure(
                "holds no client's key: the key was rotated, or made for a server alone; "
                    + "\"wstanctl client-config --key NAME\" prints a client's at the server")
        }
        return client.string.text
    }

    private static func failure(_ problem: String) -> ConfigurationFailure {
        ConfigurationFailure(
            [Diagnostic(.error, at: .commandLine, "the key on stdin \(problem)")], exitStatus: .configuration)
    }
}
