import CLinux
import Glibc
import WstanCore

/// Who may do what on the control socket, to which every user of this host can connect.
package struct ControlAuthority: Sendable {
    /// What a caller is here. The higher may do what the lower may.
    package enum Standing: Int, Comparable {
        /// May see aggregates.
        case stranger
        /// Of the control group: may see everything but secrets, and change everything.
        case member
        /// Root, or the daemon's own user.
        case owner

        package static func < (a: Standing, b: Standing) -> Bool { a.rawValue < b.rawValue }
    }

    /// The daemon's own user.
    let user: UInt32
    /// The control group; nil when there is none.
    let group: UInt32?

    package init(user: UInt32, group: UInt32?) {
        self.user = user
        self.group = group
    }

    func standing(of caller: ControlCaller) -> Standing {
        if caller.process.uid == 0 || caller.process.uid == user { return .owner }
        if let group, caller.isMember(of: group) { return .member }
        return .stranger
    }
}

/// The process that has connected to the control socket, as the kernel vouches for it (unix(7), SO_PEERCRED and SO_PEERGROUPS).
package struct ControlCaller: Hashable, Sendable {
    package let process: LocalProcess
    /// Beside the effective one.
    let groups: Set<UInt32>

    func isMember(of group: UInt32) -> Bool { process.gid == group || groups.contains(group) }
}

extension ControlCaller {
    /// - Parameter descriptor: of the connection. A kernel that does not tell the groups leaves the effective one.
    package init(_ process: LocalProcess, on descriptor: Int32) {
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
