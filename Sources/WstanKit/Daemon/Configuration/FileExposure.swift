import Glibc
import WstanCore

/// What to do about a file with a secret that everybody on this host can read.
enum FileExposure {
    /// The command that closes the file to others and leaves it to the service. Root's own file is one that the service reads as
    /// one of the others, so it is given to the service's group.
    static func command(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0, let group = LocalGroup.number(of: "wstan") else { return "chmod o-r \(path)" }
        return command(path, owner: status.st_uid, group: status.st_gid, serviceGroup: group)
    }

    static func command(_ path: String, owner: uid_t, group: gid_t, serviceGroup: gid_t) -> String {
        owner != 0 || group == serviceGroup ? "chmod o-r \(path)" : "chown root:wstan \(path); chmod 640 \(path)"
    }
}
