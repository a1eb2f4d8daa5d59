/// A key of the keyboard, as far as a list on the screen is moved by it.
enum PressedKey: Equatable {
    case up, down, pageUp, pageDown, home, end
    case character(Character)
}

/// Tells keys from the bytes that a terminal sends for them (ECMA-48 section 5.4; xterm's control sequences).
struct KeyReader {
    private enum State {
        /// Can become: escape.
        case plain
        /// After ESC. Can become: plain, sequence, single.
        case escape
        /// After ESC [, with its parameters so far. Can become: plain.
        case sequence([UInt8])
        /// After ESC O. Can become: plain.
        case single
    }

    private var state = State.plain
    private static let longestSequence = 16

    /// - Returns: nil while a key is not complete, and for one that moves nothing.
    mutating func read(_ byte: UInt8) -> PressedKey? {
        switch state {
        case .plain:
            guard byte != Self.escape else {
                state = .escape
                return nil
            }
            return byte < 0x80 ? .character(Character(Unicode.Scalar(byte))) : nil
        case .escape:
            switch byte {
            case UInt8(ascii: "["): state = .sequence([])
            case UInt8(ascii: "O"): state = .single
            case Self.escape: break
            default: state = .plain
            }
            return nil
        case .single:
            state = .plain
            return Self.key(ending: byte, [])
        case .sequence(let parameters):
            // Parameters and intermediate bytes, then one that ends it.
            guard (0x20...0x3F).contains(byte), parameters.count < Self.longestSequence else {
                state = .plain
                return Self.key(ending: byte, parameters)
            }
            state = .sequence(parameters + [byte])
            return nil
        }
    }

    private static let escape: UInt8 = 0x1B

    private static func key(ending last: UInt8, _ parameters: [UInt8]) -> PressedKey? {
        switch (last, String(decoding: parameters, as: UTF8.self)) {
        case (UInt8(ascii: "A"), _): .up
        case (UInt8(ascii: "B"), _): .down
        case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): .home
        case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): .end
        case (UInt8(ascii: "~"), "5"): .pageUp
        case (UInt8(ascii: "~"), "6"): .pageDown
        default: nil
        }
    }
}
