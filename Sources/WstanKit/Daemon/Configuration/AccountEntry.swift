import Glibc
import WstanCore

/// What getpwnam_r(3), getgrnam_r(3) and their kin find. They block while the name service answers.
enum AccountEntry {
    /// A group may have thousands of members, all of which are in the entry.
    private static let sizes = 16 * 1024...1 << 20

    /// - Parameters:
    ///   - empty: what `call` fills.
    ///   - call: with the entry, the room for its texts, the size of that, and where it says whether it has found one.
    ///   - take: while the texts are there; numbers last.
    /// - Returns: nil when there is no such entry.
    static func find<Entry, Taken>(
        _ empty: Entry,
        _ call: (UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>)
            -> Int32, _ take: (Entry) -> Taken
    ) throws(SystemError) -> Taken? {
        var size = sizes.lowerBound
        while true {
            var entry = empty
            var found: UnsafeMutablePointer<Entry>?
            let texts = UnsafeMutablePointer<CChar>.allocate(capacity: size)
            defer { texts.deallocate() }
            let status = call(&entry, texts, size, &found)
            switch status {
            case 0: return found == nil ? nil : take(entry)
            case EINTR: continue
            case ERANGE where size < sizes.upperBound: size *= 2
            default: throw SystemError(call: "look-up", code: status)
            }
        }
    }
}
