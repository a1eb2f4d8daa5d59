extension KeyStringText {
    /// Why a text is no key of version 2.
    public enum Problem: Error, Equatable, CustomStringConvertible {
        /// It does not begin with `wstan2:`.
        case notAKeyString
        /// It begins with `wstan` and another number.
        case otherVersion(UInt)
        /// Nothing follows `wstan2:`.
        case empty
        /// A character that no key has. The place counts from 1, in bytes.
        case character(place: Int, UInt8)
        case tooShort
        case tooLong
        /// The check at its end does not match.
        case damaged
        /// The check matches: a later version has made it.
        case unknownKind(UInt8)
        /// The check matches, and there are too few or too many bytes for its kind.
        case length(Kind)

        init(ofPrefix text: String) {
            let digits = text.utf8.dropFirst(5).prefix { (48...57).contains($0) }
            let number = UInt(String(decoding: digits, as: UTF8.self))
            let isPrefix =
                text.utf8.starts(with: "wstan".utf8) && text.utf8.dropFirst(5 + digits.count).first == UInt8(ascii: ":")
            if isPrefix, digits.first != UInt8(ascii: "0"), let number {
                self = .otherVersion(number)
            } else {
                self = .notAKeyString
            }
        }

        /// Goes on behind `the key ...`.
        public var description: String {
            switch self {
            case .notAKeyString: "does not begin with wstan2:"
            case .otherVersion(let number): "is for version \(number) of the protocol, which this program does not speak"
            case .empty: "ends after wstan2:"
            case .character(let place, let byte):
                "has a character that no key has at place \(place): \(Self.shown(byte))"
            case .tooShort: "is too short: it was cut off"
            case .tooLong: "is too long: something was appended to it"
            case .damaged: "is cut off or mistyped: its check does not match"
            case .unknownKind(let kind): "is of kind \(kind), which this program does not know: a later version made it"
            case .length(let kind): "has a length that no \(kind) key has"
            }
        }

        /// The same, with what to do.
        public var advised: String {
            switch self {
            case .otherVersion, .unknownKind: "\(self); install the release of wstan that has made it"
            case .notAKeyString, .empty, .character, .tooShort, .tooLong, .damaged, .length:
                "\(self); copy the whole string again"
            }
        }

        private static func shown(_ byte: UInt8) -> String {
            switch byte {
            case 9, 10, 13, 32: "a blank or a line end"
            case 0x21...0x7e: "'\(String(decoding: [byte], as: UTF8.self))'"
            default: "the byte 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
            }
        }
    }
}
