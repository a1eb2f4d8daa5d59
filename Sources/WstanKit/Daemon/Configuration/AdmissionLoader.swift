import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// Finds out who may use the client, by what the configuration names: the users file, and users of this host.
enum AdmissionLoader {
    struct Admission {
        /// nil: nobody is asked for a password.
        var users: UsersFile?
        /// Empty: everybody.
        var allowedUsers: Set<UInt32> = []
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// The same with the lines of the users file, where it is about those.
        var diagnostics: [Diagnostic] = []
    }

    /// - Returns: what it has found, and what an administrator should be warned of.
    static func load(_ settings: Settings) throws(Failure) -> (admission: Admission, warnings: [String]) {
        var admission = Admission()
        var warnings: [String] = []
        guard settings.mode == .client else { return (admission, []) }
        if let path = settings.usersFile {
            admission.users = try readUsers(path)
            warnings += FileExposure.warnings(path, holding: "the hashes")
        }
        for user in settings.allowUID { admission.allowedUsers.insert(try number(of: user)) }
        return (admission, warnings)
    }

    private static func readUsers(_ path: String) throws(Failure) -> UsersFile {
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(path, limit: ConfigurationBounds.usersFileSize)
        } catch {
            throw Failure(description: "cannot read the users file \(Printable.line(path)): \(error.text)")
        }
        do {
            return try UsersFile(bytes, path: path)
        } catch {
            throw Failure(description: error.description, diagnostics: error.diagnostics)
        }
    }

    static func number(of user: LocalUser) throws(Failure) -> UInt32 {
        switch user {
        case .number(let number): return number
        case .name(let name): return try lookUp(name)
        }
    }

    private static func lookUp(_ name: String) throws(Failure) -> UInt32 {
        let found: UInt32?
        do {
            found = try AccountEntry.find(passwd(), { getpwnam_r(name, $0, $1, $2, $3) }) { $0.pw_uid }
        } catch {
            throw Failure(description: "allow-uid: cannot look up \(name): \(SystemError.text(error.code))")
        }
        if let found { return found }
        throw Failure(description: "allow-uid: this host has no user \(name): correct the name, or give a number")
    }
}
