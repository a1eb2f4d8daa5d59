/// A worker's two buffers for what TLS has sealed, used within one call and not beyond: connections come and go by the
/// thousand, and a buffer of its own for each is what TLS costs elsewhere. Confined to its worker.
final class TLSBuffers {
    /// The most that is received at once.
    static let received = Scratch.bodySize
    /// A message of the relay's largest, in records with 40 bytes around each at most.
    static let gathered = Scratch.bodySize + 16 * 1024

    /// What the socket has given.
    let received: UnsafeMutableRawBufferPointer
    /// What OpenSSL wants to send, record behind record, so that a whole message is one system call.
    private let gathered: UnsafeMutableRawBufferPointer
    private var count = 0

    init() {
        received = .allocate(byteCount: Self.received, alignment: 64)
        gathered = .allocate(byteCount: Self.gathered, alignment: 64)
    }

    deinit {
        received.deallocate()
        gathered.deallocate()
    }

    /// - Returns: how much of it there was room for; what does not fit is for after a `flush`.
    func gather(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = min(bytes.count, gathered.count - count)
        guard taken > 0 else { return 0 }
        UnsafeMutableRawBufferPointer(rebasing: gathered[count...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
        count += taken
        return taken
    }

    /// Hands what was gathered to `send`, which must be done with it when it returns.
    func flush(_ send: (UnsafeRawBufferPointer) -> Void) {
        guard count > 0 else { return }
        let ready = UnsafeRawBufferPointer(rebasing: gathered[..<count])
        count = 0
        send(ready)
    }
}
