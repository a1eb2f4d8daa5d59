import CLinux
import Glibc

/// Who has connected to the control socket, as the kernel vouches for it (unix(7), SO_PEERCRED and SO_PEERGROUPS).
struct ControlCaller: Hashable, Sendable {
    let process: LocalProcess
    /// Beside the effective one.
    let groups: Set<UInt32>

    func isMember(of group: UInt32) -> Bool { process.gid == group || groups.contains(group) }
}

extension ControlCaller {
    /// - Parameter descriptor: of the connection. A kernel that does not tell the groups leaves the effective one.
    init(_ process: LocalProcess, on descriptor: Int32) {
        self.process = process
        groups = Self.groups(of: descriptor)
    }

    private static func groups(of descriptor: Int32) -> Set<UInt32> {
        // Glibc does not show the option; its number is the same on all machines that Swift knows.
        let option: Int32 = 59
        // NGROUPS_MAX is 65536.
        for capacity in [64, 65_536] {
            var groups = [UInt32](repeating: 0, count: capacity)
            var length = socklen_t(capacity * MemoryLayout<UInt32>.size)
            if getsockopt(descriptor, SOL_SOCKET, option, &groups, &length) == 0 {
                return Set(groups.prefix(Int(length) / MemoryLayout<UInt32>.size))
            }
            guard errno == ERANGE else { break }
        }
        return []
    }
}
