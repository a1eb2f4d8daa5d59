/// RFC 4648 base64, both alphabets. Decoding is strict and canonical: padding is there or is not, as is asked for, and unused bits
/// are zero, so that no two texts stand for the same bytes.
@usableFromInline package enum Base64 {
    @usableFromInline package enum Alphabet: Sendable {
        /// `+` and `/` (section 4): keys and nonces.
        case standard
        /// `-` and `_` (section 5): the request in the path.
        case url
    }

    @inlinable package static func encode(_ bytes: some Collection<UInt8>, _ alphabet: Alphabet = .standard) -> String {
        let symbols = alphabet == .standard ? standardSymbols : urlSymbols
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var held = 0
        func symbol(_ shift: UInt32) -> UInt8 { symbols[Int(group >> shift & 63)] }
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            held += 1
            if held == 3 {
                text.append(symbol(18))
                text.append(symbol(12))
                text.append(symbol(6))
                text.append(symbol(0))
                group = 0
                held = 0
            }
        }
        if held == 1 {
            group <<= 16
            text += [symbol(18), symbol(12), padding, padding]
        } else if held == 2 {
            group <<= 8
            text += [symbol(18), symbol(12), symbol(6), padding]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Section 3.2: without the padding.
    @inlinable package static func encodeUnpadded(_ bytes: some Collection<UInt8>, _ alphabet: Alphabet = .url) -> String {
        let text = encode(bytes, alphabet).utf8
        return String(decoding: text.dropLast((3 - bytes.count % 3) % 3), as: UTF8.self)
    }

    /// - Returns: nil for anything but the canonical text.
    @inlinable package static func decode(_ text: some BidirectionalCollection<UInt8>, _ alphabet: Alphabet = .standard)
        -> [UInt8]?
    {
        let count = text.count
        guard count % 4 == 0 else { return nil }
        var padded = 0
        if text.last == padding {
            padded = text.dropLast().last == padding ? 2 : 1
        }
        return decode(symbols: text.dropLast(padded), alphabet)
    }

    /// - Returns: nil for anything but the canonical text without padding.
    @inlinable package static func decodeUnpadded(_ text: some Collection<UInt8>, _ alphabet: Alphabet = .url) -> [UInt8]? {
        // The last one of so many would have six bits, and no byte.
        text.count % 4 == 1 ? nil : decode(symbols: text, alphabet)
    }

    @inlinable static func decode(symbols: some Collection<UInt8>, _ alphabet: Alphabet) -> [UInt8]? {
        let values = alphabet == .standard ? standardValues : urlValues
        var bytes: [UInt8] = []
        bytes.reserveCapacity(symbols.count * 3 / 4)
        var group: UInt32 = 0
        var held: UInt32 = 0
        for symbol in symbols {
            let value = values[Int(symbol)]
            guard value < 64 else { return nil }
            group = group << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> held))
                group &= (1 << held) - 1
            }
        }
        guard group == 0 else { return nil }
        return bytes
    }

    @usableFromInline static let padding = UInt8(ascii: "=")
    @usableFromInline static let standardSymbols = symbols("+/")
    @usableFromInline static let urlSymbols = symbols("-_")
    @usableFromInline static let standardValues = values(of: standardSymbols)
    @usableFromInline static let urlValues = values(of: urlSymbols)

    @inlinable static func symbols(_ lastTwo: String) -> [UInt8] {
        Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8) + Array(lastTwo.utf8)
    }

    @inlinable static func values(of symbols: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, symbol) in symbols.enumerated() { values[Int(symbol)] = UInt8(truncatingIfNeeded: value) }
        return values
    }
}
