/// Who may do what on the control socket, which everybody on this host can connect to.
struct ControlAuthority: Sendable {
    /// What somebody is here. The higher may do what the lower may.
    enum Standing: Int, Comparable {
        /// May see aggregates.
        case stranger
        /// Of the control group: may see everything but secrets, and change everything.
        case member
        /// Root, or the daemon's own user.
        case owner

        static func < (a: Standing, b: Standing) -> Bool { a.rawValue < b.rawValue }
    }

    /// The daemon's own user.
    let user: UInt32
    /// The control group; nil when there is none.
    let group: UInt32?

    func standing(of caller: ControlCaller) -> Standing {
        if caller.process.uid == 0 || caller.process.uid == user { return .owner }
        if let group, caller.isMember(of: group) { return .member }
        return .stranger
    }
}
