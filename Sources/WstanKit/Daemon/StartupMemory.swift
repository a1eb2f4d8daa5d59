import Glibc
import WstanCore

/// What was needed for the start only.
enum StartupMemory {
    /// Unmaps the pages of files that cannot be written to and were not: code and constants, of which the start
    /// needs much that is never used again. The page cache has them, and what is used comes back by itself (MADV_DONTNEED).
    ///
    /// A fresh server has 16.8 MB resident without it and 10.6 with it (release build, one thread, 2026-11-25). Blocks for
    /// a millisecond or two.
    static func giveBack() {
        guard let text = try? FileReader.read("/proc/self/smaps", limit: 1 << 19) else { return }
        var mapping: Range<UInt>?
        for line in text.split(separator: 10) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            if fields.count > 4, fields[1].count == 4 {
                mapping = range(ofMapping: fields)
            } else if let found = mapping, fields.count > 1, fields[0].elementsEqual("Anonymous:".utf8) {
                // Pages of its own would be lost, such as what the dynamic linker has filled in.
                if fields[1].elementsEqual("0".utf8) { giveBack(found) }
                mapping = nil
            }
        }
    }

    /// - Parameter fields: `55d0c0a00000-55d0c1456000 r-xp 00b9e000 fe:00 1234 /usr/sbin/wstand` (proc(5)).
    /// - Returns: nil unless it is of a file, and read-only.
    private static func range(ofMapping fields: [ArraySlice<UInt8>]) -> Range<UInt>? {
        let isReadOnly = fields[1].elementsEqual("r-xp".utf8) || fields[1].elementsEqual("r--p".utf8)
        guard isReadOnly, fields.count == 6, fields[5].contains(UInt8(ascii: "/")) else { return nil }
        let ends = fields[0].split(separator: UInt8(ascii: "-")).map {
            UInt(String(decoding: $0, as: UTF8.self), radix: 16)
        }
        guard ends.count == 2, let from = ends[0], let to = ends[1], from < to else { return nil }
        return from..<to
    }

    private static func giveBack(_ range: Range<UInt>) {
        madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
    }
}
