import CLinux
import Glibc
import Synchronization

/// Memory that was freed and that malloc(3) keeps: after a flood it is much, and the system gets it back.
package enum FreeMemory {
    /// What the process had in memory after the last time; bytes.
    private static let lowest = Atomic(0)

    /// Less is not worth the time.
    private static let least = 1 << 20

    /// To be called every few seconds, on a thread that may block. It looks before it does anything: a process that has not
    /// grown has nothing to give back.
    package static func giveBack() {
        let resident = residentBytes
        let former = lowest.load(ordering: .relaxed)
        guard former > 0 else { return lowest.store(resident, ordering: .relaxed) }
        guard resident >= former + least else {
            if resident < former { lowest.store(resident, ordering: .relaxed) }
            return
        }
        guard mallinfo2().fordblks >= least else { return }
        malloc_trim(0)
        lowest.store(residentBytes, ordering: .relaxed)
    }

    /// 0 when it cannot be known.
    private static var residentBytes: Int {
        // proc(5): sizes in pages, the second is what is resident.
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        let size = 128
        var line = [CChar](repeating: 0, count: size)
        guard fgets(&line, Int32(size), file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            .split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
