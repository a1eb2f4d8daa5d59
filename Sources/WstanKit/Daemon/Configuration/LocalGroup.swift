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
        look({ getgrnam_r(name, $0, $1, $2, $3) }) { $0.gr_gid }
    }

    /// The same the other way round.
    static func name(of number: UInt32) -> String? {
        look({ getgrgid_r(number, $0, $1, $2, $3) }) { String(cString: $0.gr_name) }
    }

    private static func look<T>(
        _ call: (UnsafeMutablePointer<group>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<group>?>)
            -> Int32, _ take: (group) -> T
    ) -> T? {
        // All members are listed in the entry.
        var size = 16 * 1024
        while size <= 1 << 20 {
            var entry = group()
            var found: UnsafeMutablePointer<group>?
            var buffer = [CChar](repeating: 0, count: size)
            switch call(&entry, &buffer, size, &found) {
            case 0: return found == nil ? nil : take(entry)
            case EINTR: continue
            case ERANGE: size *= 2
            default: return nil
            }
        }
        return nil
    }
}
