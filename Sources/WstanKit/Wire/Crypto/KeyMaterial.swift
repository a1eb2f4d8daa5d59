import WstanBase

/// Bytes that keys are made of, secret or not.
protocol KeyMaterial {
    func withKeyMaterial<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R
}

extension SecretBytes: KeyMaterial {
    func withKeyMaterial<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { withBytes(body) }

    /// Some of them, as a secret of its own.
    func part(_ range: Range<Int>) -> SecretBytes {
        SecretBytes(count: range.count) { room in
            withBytes { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
    }
}

extension [UInt8]: KeyMaterial {
    func withKeyMaterial<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { withUnsafeBytes(body) }
}
