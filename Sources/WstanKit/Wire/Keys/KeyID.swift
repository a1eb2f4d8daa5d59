import WstanBase

/// Tells keys apart without telling them: the first 8 bytes of SHA-256 over a fixed label and the key.
///
/// It may be shown to everybody. The wire does not carry it.
package struct KeyID: Hashable, Sendable, CustomStringConvertible {
    /// What it is in a file: 8 bytes.
    package let value: UInt64

    package init(value: UInt64) {
        self.value = value
    }

    init(of key: Key) {
        let labelled = SecretBytes(count: Self.label.count + key.count) { room in
            room.copyBytes(from: Self.label)
            key.withBytes { UnsafeMutableRawBufferPointer(rebasing: room[Self.label.count...]).copyMemory(from: $0) }
        }
        let digest = labelled.withBytes { SHA256.digest($0) }
        value = digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// - Returns: nil for anything but 16 lower-case hex digits.
    package init?(text: String) {
        let digits = text.utf8
        guard digits.count == 16, digits.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }),
            let value = UInt64(text, radix: 16)
        else { return nil }
        self.value = value
    }

    package var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    private static let label = Array("wstan key id".utf8) + [0]
}

extension Key {
    package var id: KeyID { KeyID(of: self) }
}
