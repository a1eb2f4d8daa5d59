import Glibc
import WstanCore

/// Who else can get at a file that only the service and root should read or change, in words for an administrator. These are
/// warnings: 0.1.0 has started with such files. They are what OpenSSH refuses to use. Blocks.
enum FileExposure {
    /// - Parameter content: what the file holds.
    static func warnings(_ path: String, holding content: String) -> [String] {
        let readable = FileReader.isWorldReadable(path)
        return (readable ? ["every user of this host can read \(content) in \(path): \(command(path))"] : []) + changes(of: path)
    }

    /// The command that closes the file to others and leaves it to the service. Root's own file is one that the service reads as
    /// one of the others, so it is given to the service's group.
    static func command(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0, let group = LocalGroup.number(of: service) else { return "chmod o-r \(path)" }
        return command(path, owner: status.st_uid, group: status.st_gid, serviceGroup: group)
    }

    static func command(_ path: String, owner: uid_t, group: gid_t, serviceGroup: gid_t) -> String {
        owner != 0 || group == serviceGroup ? "chmod o-r \(path)" : "chown root:wstan \(path); chmod 640 \(path)"
    }

    // MARK: Changing

    /// Who else can change a file, or put another one in its place.
    static func changes(of path: String) -> [String] {
        guard let real = resolved(path) else { return [] }
        var found: [String] = []
        if let writer = writer(of: real) {
            found.append("\(writer.text) can change \(path): \(writer.remedy(real))")
        }
        if let (directory, writer) = firstOpenDirectory(above: real) {
            found.append("\(writer.text) can replace \(path) in \(directory): \(writer.remedy(directory))")
        }
        return found
    }

    /// Who else can write in a directory, or replace it; nil: no one.
    static func change(ofDirectory path: String) -> String? {
        guard let real = resolved(path), let (directory, writer) = firstOpenDirectory(above: real + "/") else { return nil }
        return "\(writer.text) can change what is in \(path): \(writer.remedy(directory))"
    }

    enum Writer: Equatable {
        case everybody
        case group(gid_t)
        case user(uid_t)

        var text: String {
            switch self {
            case .everybody: "every user of this host"
            case .group(let number): "the group \(LocalGroup.name(of: number) ?? "\(number)")"
            case .user(let number): "the user \(FileExposure.name(of: number) ?? "\(number)")"
            }
        }

        func remedy(_ path: String) -> String {
            switch self {
            case .everybody, .group: "chmod go-w \(path)"
            case .user: "chown root \(path), or choose another place"
            }
        }
    }

    /// Others than root, the service and the user of this process who can read or change it.
    ///
    /// - Parameters:
    ///   - user: of this process.
    ///   - service: the user and the group that the units run wstand as.
    ///   - primaryGroup: of a user.
    static func writer(
        _ status: stat, user: uid_t, service: (user: uid_t?, group: gid_t?), primaryGroup: (uid_t) -> gid_t?
    ) -> Writer? {
        // In a directory with the sticky bit, such as /tmp, users cannot replace the files of others.
        let isSticky = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & S_ISVTX != 0
        if status.st_mode & S_IWOTH != 0, !isSticky { return .everybody }
        // The owner's own group has the owner in it, and by custom no one else.
        let isForeign = status.st_gid != 0 && status.st_gid != service.group && status.st_gid != primaryGroup(status.st_uid)
        if status.st_mode & S_IWGRP != 0, !isSticky, isForeign { return .group(status.st_gid) }
        // Who is not known in this namespace is no one in particular (user_namespaces(7)).
        let owners = [0, user, service.user, unknownUser]
        return owners.contains(status.st_uid) ? nil : .user(status.st_uid)
    }

    private static let unknownUser: uid_t = 65_534
    private static let service = "wstan"

    private static func writer(of path: String) -> Writer? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let service = (user: entry(named: service)?.pw_uid, group: LocalGroup.number(of: service))
        return writer(status, user: geteuid(), service: service) { entry(of: $0)?.pw_gid }
    }

    private static func firstOpenDirectory(above path: String) -> (directory: String, Writer)? {
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            let directory = rest.isEmpty ? "/" : String(rest)
            if let writer = writer(of: directory) { return (directory, writer) }
        }
        return nil
    }

    /// nil for what is not there.
    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    // MARK: Names

    private static func entry(of user: uid_t) -> passwd? {
        try? AccountEntry.find(passwd(), { getpwuid_r(user, $0, $1, $2, $3) }) { $0 }
    }

    private static func entry(named name: String) -> passwd? {
        try? AccountEntry.find(passwd(), { getpwnam_r(name, $0, $1, $2, $3) }) { $0 }
    }

    private static func name(of user: uid_t) -> String? {
        try? AccountEntry.find(passwd(), { getpwuid_r(user, $0, $1, $2, $3) }) { String(cString: $0.pw_name) }
    }
}
