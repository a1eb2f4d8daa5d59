import CLinux
import Glibc
import WstanConfig
import WstanCore

/// What this process may use of the machine.
enum MachineSize {
    /// Processors that it may run on.
    static var processors: Int {
        var set = [UInt8](repeating: 0, count: 1024)
        guard sched_getaffinity(0, set.count, &set) >= 0 else { return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
        return max(1, set.reduce(0) { $0 + $1.nonzeroBitCount })
    }

    /// What all buffers may hold together, in bytes.
    static func bufferBudget(_ settings: Settings) -> Int { settings.memoryLimit ?? bufferBudget }

    /// A quarter of what the control group allows, or of the machine's memory: the rest is for sockets' own buffers,
    /// TLS and everybody else.
    private static var bufferBudget: Int {
        let machine = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
        return max(16 << 20, min(machine, controlGroupLimit ?? .max) / 4)
    }

    /// cgroup v2's memory.max, as far as it is visible from here.
    private static var controlGroupLimit: Int? {
        guard let membership = try? FileReader.read("/proc/self/cgroup", limit: 4096),
            let line = String(decoding: membership, as: UTF8.self).split(separator: "\n").first(where: {
                $0.hasPrefix("0::")
            }),
            let limit = try? FileReader.read("/sys/fs/cgroup\(line.dropFirst(3))/memory.max", limit: 64)
        else { return nil }
        return Int(String(decoding: limit.prefix { $0 != 10 }, as: UTF8.self))
    }
}
