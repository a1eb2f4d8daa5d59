import WstanBase

/// Tells keys apart without telling them: the first 8 bytes of SHA-256 over a fixed label and the key. That of a user's key of
/// version 2 is the kid of docs/protocol-v2.md section 3, which the wire carries sealed; no other is on the wire.
///
/// Every administrator may see it.
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
        self.init(digest: labelled.withBytes { SHA256.digest($0) })
    }

    /// Of a user's key of version 2: what names it in requests.
    package init(_ id: UserKeyID) {
        value = id.value
    }

    /// Of something that is no secret.
    ///
    /// - Parameter label: keeps its kind apart from all others.
    init(label: String, _ bytes: [UInt8]) {
        self.init(digest: SHA256.digest(Array(label.utf8) + [0] + bytes))
    }

    private init(digest: [UInt8]) {
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
