import WstanBase

/// The 12 bytes that an AEAD takes beside its key, never twice the same ones under one key.
struct AEADNonce: Equatable, Sendable {
    // Three words as they lie in memory: one of four bytes and one of eight would have a gap between them.
    private var first: UInt32
    private var second: UInt32
    private var third: UInt32

    static let size = 12

    /// Four zero bytes and a counter of eight, as Noise has it (revision 34, section 12.4).
    init(counter: UInt64) {
        first = 0
        second = UInt32(truncatingIfNeeded: counter >> 32).bigEndian
        third = UInt32(truncatingIfNeeded: counter).bigEndian
    }

    /// - Parameter bytes: 12 of them.
    init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.size, "a nonce has 12 bytes")
        first = bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
        second = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        third = bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    }

    init(_ bytes: some KeyMaterial) {
        self = bytes.withKeyMaterial { AEADNonce($0) }
    }

    static func ^ (a: AEADNonce, b: AEADNonce) -> AEADNonce {
        var result = a
        result.first ^= b.first
        result.second ^= b.second
        result.third ^= b.third
        return result
    }
}
