import CLinux
import Glibc

/// The kernel's randomness, fetched in blocks: a masking key for every frame (RFC 6455 section 5.3 asks for a strong
/// source) would otherwise be a system call for every frame. Confined to its worker.
package final class Randomness {
    private var pool = [UInt8](repeating: 0, count: 1024)
    private var used = 1024

    package func next<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
        let size = MemoryLayout<T>.size
        if used + size > pool.count { refill() }
        defer { used += size }
        return pool.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: used, as: T.self) }
    }

    private func refill() {
        let got = getrandom(&pool, pool.count, 0)
        precondition(got == pool.count, "the system has no randomness")
        used = 0
    }
}
