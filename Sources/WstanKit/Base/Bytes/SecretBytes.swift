import CSecrets

/// Bytes in memory that is in no core and not swapped (see CSecrets), erased when the last reference goes.
package final class SecretBytes: @unchecked Sendable, Equatable {
    private let start: UnsafeMutableRawPointer
    package let count: Int

    /// - Parameter fill: is given room for `count` bytes, which are zeros.
    package init(count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        self.count = count
        start = wstan_secret_take(count)
        let room = UnsafeMutableRawBufferPointer(start: start, count: count)
        room.initializeMemory(as: UInt8.self, repeating: 0)
        fill(room)
    }

    package convenience init(_ bytes: some Collection<UInt8>) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    deinit {
        wstan_secret_give(start)
    }

    package func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Takes as long for equal ones as for others of that length.
    package static func == (a: SecretBytes, b: SecretBytes) -> Bool {
        guard a.count == b.count else { return false }
        return a.withBytes { a in b.withBytes { b in zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0 } }
    }
}

/// While secrets are on their way through text and buffers, memory that is given back is erased, on all threads: whatever copies
/// are made, each is let go of in the end.
package enum Erasure {
    /// Until `end`. Each is for itself: any number of them may overlap.
    package static func begin() { wstan_erasing_begin() }

    package static func end() { wstan_erasing_end() }

    /// Also erases what `body` has left on the stack.
    package static func during<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
        begin()
        defer {
            wstan_erase_stack()
            end()
        }
        return try body()
    }

    package static func eraseStack() { wstan_erase_stack() }

    /// For a thread that has to do with nothing else.
    package static func alwaysOnThisThread() { wstan_erasing_always() }

    package static func erase(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        wstan_erase(start, bytes.count)
    }

    /// Not with a sanitizer, which has a memory allocator of its own.
    package static var works: Bool { wstan_erasing_works() }

    /// Bytes of the memory for keys that could not be locked.
    package static var unlockedBytes: Int { wstan_vault_unlocked() }
}
