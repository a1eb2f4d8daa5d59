/// The base64 (RFC 4648 section 4) of keys: strict and canonical, so that no two texts stand for one key.
enum KeyBase64 {
    /// Whether the text is the base64 of exactly 16 bytes.
    static func isKey(_ text: some StringProtocol) -> Bool { decode(text)?.count == 16 }

    static func isSymbol(_ byte: UInt8) -> Bool { value(of: byte) != nil }

    /// Of the alphabet for URLs (RFC 4648 section 5).
    static func isURLSymbol(_ byte: UInt8) -> Bool {
        isSymbol(plain(byte)) && byte != UInt8(ascii: "+") && byte != UInt8(ascii: "/")
    }

    /// - Returns: nil for anything but the canonical text without its padding.
    static func decode(urlSymbols symbols: some Collection<UInt8>) -> [UInt8]? {
        let padding = [UInt8](repeating: UInt8(ascii: "="), count: (4 - symbols.count % 4) % 4)
        return decode(symbols.map(plain) + padding)
    }

    private static func plain(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "-"): UInt8(ascii: "+")
        case UInt8(ascii: "_"): UInt8(ascii: "/")
        default: byte
        }
    }

    /// - Returns: nil for anything but the canonical text with its padding.
    static func decode(_ text: some StringProtocol) -> [UInt8]? { decode(Array(text.utf8)) }

    private static func decode(_ symbols: [UInt8]) -> [UInt8]? {
        let padding = symbols.suffix(2).count { $0 == UInt8(ascii: "=") }
        guard symbols.count.isMultiple(of: 4) else { return nil }
        var bytes: [UInt8] = []
        var (held, bits) = (0, 0)
        for symbol in symbols.dropLast(padding) {
            guard let value = value(of: symbol) else { return nil }
            (held, bits) = (held << 6 | value, bits + 6)
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(held >> bits))
            held &= 1 << bits - 1
        }
        return held == 0 ? bytes : nil
    }

    private static func value(of symbol: UInt8) -> Int? {
        switch symbol {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(symbol) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(symbol) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(symbol) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
