import Glibc

/// The user that a unit runs as. What is opened and bound as this user fails where the unit's would: the kernel judges, so
/// groups, access lists and the directories on the way count.
struct UnitUser: Equatable {
    let name: String
    private let user: uid_t
    private let groups: [gid_t]

    /// Makes this process the user of a unit, where it can.
    ///
    /// - Returns: whether it is.
    static func assume(_ unit: ServiceUnit?) -> Bool {
        unit?.user == nil || unit.flatMap { UnitUser(of: $0) }?.assume() == true
    }

    /// - Returns: nil when this host does not have the user.
    init?(of unit: ServiceUnit) {
        guard let name = unit.user else { return nil }
        let entry = getpwnam(name) ?? uid_t(name).flatMap { getpwuid($0) }
        guard let entry else { return nil }
        self.name = name
        user = entry.pointee.pw_uid
        let ofUnit = unit.groups.compactMap { name in getgrnam(name)?.pointee.gr_gid ?? gid_t(name) }
        var count: Int32 = 256
        var ofUser = [gid_t](repeating: 0, count: Int(count))
        getgrouplist(entry.pointee.pw_name, entry.pointee.pw_gid, &ofUser, &count)
        // The first one is the primary group: Group= of the unit, if it has one.
        groups = ofUnit + ofUser.prefix(Int(max(0, count)))
    }

    /// From here on this process opens and binds as this user, until `asRoot`. Only root can.
    ///
    private func assume() -> Bool {
        guard geteuid() == 0, user != 0 else { return geteuid() == user }
        return setgroups(groups.count, groups) == 0 && setegid(groups[0]) == 0 && seteuid(user) == 0
    }

    /// Does something as root again, in a process that root has started.
    static func asRoot<T, Failure: Error>(_ body: () throws(Failure) -> T) throws(Failure) -> T {
        let user = geteuid()
        guard getuid() == 0, user != 0, seteuid(0) == 0 else { return try body() }
        defer { seteuid(user) }
        return try body()
    }
}
