import Glibc
import WstanConfig

/// Groups of this host.
enum LocalGroup {
    /// Blocks while the name service answers.
    ///
    /// - Returns: the number of `[control] group`, and what to tell where it was named and is not there.
    static func control(_ settings: Settings) -> (number: UInt32?, warning: String?) {
        let name = settings.controlGroup
        if let number = UInt32(name) ?? number(of: name) { return (number, nil) }
        // Whoever has not asked for it does not miss it.
        if name == Settings.defaultControlGroup { return (nil, nil) }
        return (
            nil,
            "this host has no group \(name), which could use the control socket: make it (groupadd --system \(name)), or "
                + "name another one in [control] group"
        )
    }

    /// Blocks while the name service answers.
    ///
    /// - Returns: nil when there is no such group, or it cannot be looked up.
    static func number(of name: String) -> UInt32? {
        try? AccountEntry.find(group(), { getgrnam_r(name, $0, $1, $2, $3) }) { $0.gr_gid }
    }

    /// The same the other way round.
    static func name(of number: UInt32) -> String? {
        try? AccountEntry.find(group(), { getgrgid_r(number, $0, $1, $2, $3) }) { String(cString: $0.gr_name) }
    }
}
