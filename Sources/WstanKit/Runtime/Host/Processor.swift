import Glibc

/// What this machine's processor has.
package enum Processor {
    /// Instructions for AES: without them ChaCha20 is several times as fast. True where it cannot be told.
    package static let hasAES: Bool = {
        let descriptor = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        // The first of the processors tells.
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = max(read(descriptor, &bytes, bytes.count), 0)
        return hasAES(in: String(decoding: bytes.prefix(count), as: UTF8.self))
    }()

    /// - Parameter text: as /proc/cpuinfo has it: a line of `flags` (x86) or `Features` (Arm).
    static func hasAES(in text: String) -> Bool {
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("flags") || $0.hasPrefix("Features") }
        return lines.isEmpty || lines.contains { $0.split(separator: " ").contains("aes") }
    }
}
