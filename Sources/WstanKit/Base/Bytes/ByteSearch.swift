import Glibc

extension UnsafeRawBufferPointer {
    /// The place of the first `byte` at `start` or behind it: memchr(3), which looks at many at a time.
    ///
    /// - Parameter start: at most `count`.
    package func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        guard let base = baseAddress, let found = memchr(base + start, Int32(byte), count - start) else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
