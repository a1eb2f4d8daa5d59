import Glibc

/// Groups of this host.
enum LocalGroup {
    /// Blocks while the name service answers.
    ///
    /// - Returns: nil when there is no such group, or it cannot be looked up.
    static func number(of name: String) -> UInt32? {
        // All members are listed in the entry.
        var size = 16 * 1024
        while size <= 1 << 20 {
            var entry = group()
            var found: UnsafeMutablePointer<group>?
            var buffer = [CChar](repeating: 0, count: size)
            switch getgrnam_r(name, &entry, &buffer, size, &found) {
            case 0: return found == nil ? nil : entry.gr_gid
            case EINTR: continue
            case ERANGE: size *= 2
            default: return nil
            }
        }
        return nil
    }
}
