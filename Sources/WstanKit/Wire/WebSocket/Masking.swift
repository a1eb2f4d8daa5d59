/// The client's masking of payload (RFC 6455 section 5.3): byte i is changed by octet i modulo 4 of the key.
package struct MaskingKey: Equatable, Sendable {
    /// The four octets as they lie in memory.
    private let word: UInt32

    package init(_ word: UInt32) {
        self.word = word
    }

    func store(to pointer: UnsafeMutableRawPointer) {
        pointer.storeBytes(of: word, as: UInt32.self)
    }

    /// Masks or unmasks in place, 64 bytes at a time.
    ///
    /// - Parameter phase: how many bytes of the same frame came before.
    func apply(to bytes: UnsafeMutableRawBufferPointer, phase: UInt64 = 0) {
        guard word != 0, let start = bytes.baseAddress else { return }
        // Turned so that the first byte here meets the octet that it must.
        let shift = UInt32(truncatingIfNeeded: phase & 3) * 8
        let turned = UInt32(littleEndian: word)
        let key = UInt32(littleEndian: shift == 0 ? turned : turned >> shift | turned << (32 - shift))
        let pair = UInt64(key) << 32 | UInt64(key)
        let wide = SIMD8<UInt64>(repeating: pair)
        let count = bytes.count
        var offset = 0
        while offset &+ 64 <= count {
            let block = (start + offset).loadUnaligned(as: SIMD8<UInt64>.self)
            (start + offset).storeBytes(of: block ^ wide, as: SIMD8<UInt64>.self)
            offset &+= 64
        }
        while offset &+ 8 <= count {
            let block = (start + offset).loadUnaligned(as: UInt64.self)
            (start + offset).storeBytes(of: block ^ pair, as: UInt64.self)
            offset &+= 8
        }
        withUnsafeBytes(of: key) { octets in
            while offset < count {
                bytes[offset] ^= octets[offset & 3]
                offset &+= 1
            }
        }
    }
}
