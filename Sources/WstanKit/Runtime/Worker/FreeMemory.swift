import CLinux
import Glibc
import Synchronization

/// Memory that was freed and that malloc(3) keeps: after a flood it is much, and the system gets it back.
package enum FreeMemory {
    private struct State {
        /// The least that the process has had in memory; bytes.
        var lowest: Int
        /// The least that it has had beside what malloc(3) had given out, since the last time; bytes.
        var unused: Int
    }

    /// Nil before the first look.
    private static let state = Mutex<State?>(nil)

    /// Less is not worth the time.
    private static let least = 1 << 19

    /// To be called every few seconds, on a thread that may block. It looks before it does anything: a process that has not
    /// grown has nothing to give back, and neither has one that uses what it has.
    package static func giveBack() {
        let resident = residentBytes
        state.withLock { state in
            guard let former = state else { return state = State(lowest: resident, unused: resident - usedBytes) }
            state?.lowest = min(former.lowest, resident)
            guard resident >= former.lowest + least else { return }
            let unused = resident - usedBytes
            state?.unused = min(former.unused, unused)
            guard unused >= former.unused + least else { return }
            malloc_trim(0)
            // What is left are pages that are used in part.
            state?.unused = residentBytes - usedBytes
        }
    }

    private static var usedBytes: Int {
        let all = mallinfo2()
        return Int(all.uordblks + all.hblkhd)
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
