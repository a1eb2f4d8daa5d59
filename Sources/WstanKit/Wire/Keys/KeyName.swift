/// Whose key it is: a device's or a person's.
package struct KeyName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// The name of the key that the configuration gives.
    package static let configured = KeyName(checked: "default")

    /// - Returns: nil unless it is 1 to 64 letters, digits, dots, dashes and underscores of ASCII.
    package init?(_ text: String) {
        guard (1...KeyRingBounds.nameLength).contains(text.utf8.count), text.utf8.allSatisfy(Self.mayHold) else {
            return nil
        }
        self.text = text
    }

    private init(checked text: String) {
        self.text = text
    }

    private static func mayHold(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    package var description: String { text }
}
