/// What a text is that was meant as a key and would be taken for a passphrase: a damaged key, one in another form, or a key
/// with something around it. docs/decisions.md argues the rules: none of them meets words, however they are joined.
struct KeyMistake: CustomStringConvertible {
    /// What it is and what to do, in words that follow "the key".
    let description: String

    /// - Parameter text: one line that is not the base64 of 16 bytes.
    /// - Returns: nil when nothing speaks against a passphrase.
    init?(in text: String) {
        let found =
            Self.keyString(text) ?? Self.quotes(text) ?? Self.surroundings(text) ?? Self.encoding(text) ?? Self.damage(text)
            ?? Self.lostPadding(text) ?? Self.hexadecimal(text)
        guard let found else { return nil }
        description = "\(found) (a passphrase that looks so is written \(KeyText.passphrasePrefix)TEXT)"
    }

    /// Of version 2, without its colon or in other letters.
    private static func keyString(_ text: String) -> String? {
        guard text.lowercased().utf8.starts(with: "wstan2".utf8) else { return nil }
        return "looks like a damaged one of version 2, which begins with \(KeyStringText.prefix) in small letters: "
            + "copy the whole string again"
    }

    // MARK: Around it

    private static func quotes(_ text: String) -> String? {
        let pairs: [(Unicode.Scalar, Unicode.Scalar)] = [
            ("\"", "\""), ("'", "'"), ("`", "`"), ("\u{201C}", "\u{201D}"), ("\u{2018}", "\u{2019}"),
            ("\u{201E}", "\u{201C}"), ("\u{AB}", "\u{BB}"), ("<", ">"),
        ]
        let scalars = text.unicodeScalars
        guard scalars.count > 1, let first = scalars.first, let last = scalars.last,
            let pair = pairs.first(where: { $0.0 == first && $0.1 == last })
        else { return nil }
        if pair.0 == "<" { return KeyBase64.isKey(text.dropFirst().dropLast()) ? "is in angle brackets: remove them" : nil }
        return "is in quotes: remove them"
    }

    /// The output of `wstand -g` on a terminal, a line of an environment file, a key and a comment, two keys.
    private static func surroundings(_ text: String) -> String? {
        if text.utf8.starts(with: "-----BEGIN ".utf8) { return "is PEM, like a private key of TLS: name another file" }
        if text.lowercased().contains("wstan2:") { return "is more than a key: keep only what begins with wstan2:" }
        let whole = "is more than a key: keep only the 24 characters that end in =="
        if text.utf8.starts(with: "A fresh random key".utf8) { return whole }
        let isURLSymbol = { (byte: UInt8) in isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") }
        return holdsKey(text, KeyBase64.isSymbol) || holdsKey(text, isURLSymbol) ? whole : nil
    }

    /// Whether 22 symbols and `==` are a part of it.
    private static func holdsKey(_ text: String, _ isSymbol: (UInt8) -> Bool) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            rest = rest.drop { !isSymbol($0) }
            let run = rest.prefix(while: isSymbol)
            rest = rest.dropFirst(run.count)
            let padding = rest.prefix { $0 == UInt8(ascii: "=") }.count
            if run.count == 22, padding == 2, text.utf8.count > 24 { return true }
        }
        return false
    }

    // MARK: Another form of it

    private static func encoding(_ text: String) -> String? {
        let shown = visible(text)
        if shown != text, isKey(shown) { return "has a space or an invisible character within: remove it" }
        for escape in KeyEscape.allCases {
            let plain = escape.undone(text)
            if plain != text, isKey(visible(plain)) { return escape.problem }
        }
        // One after the other, or one twice: &amp;#43; is &#43;, and that is +.
        var plain = text
        for _ in 0..<3 { plain = KeyEscape.allCases.reduce(plain) { $1 == .blank ? $0 : $1.undone($0) } }
        if plain != text, isKey(visible(plain)) || surroundings(plain) != nil {
            return "holds a key in which characters are escaped: write the key alone, with its characters as they are"
        }
        // As Kubernetes shows the data of a secret.
        if let inner = KeyBase64.decode(text), let key = String(validating: inner, as: UTF8.self),
            KeyBase64.isKey(key.prefix { !$0.isWhitespace })
        {
            return "is the base64 of a key's text: decode it once"
        }
        return nil
    }

    /// Without blanks and what is not visible.
    private static func visible(_ text: String) -> String {
        let scalars = text.unicodeScalars.filter {
            !$0.isDecoration && !$0.properties.isDefaultIgnorableCodePoint && $0 != "\u{2800}"
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// Whether it is the base64 of 16 bytes, in either alphabet.
    private static func isKey(_ text: String) -> Bool {
        KeyBase64.isKey(String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }))
    }

    /// 32 digits, also in pairs with a separator, that are not a decimal number.
    private static func hexadecimal(_ text: String) -> String? {
        let digits = text.utf8.starts(with: "0x".utf8) ? Array(text.utf8.dropFirst(2)) : Array(text.utf8)
        let pairs = digits.split(whereSeparator: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: " ") })
        let arePairs = pairs.count == 1 || (pairs.count == 16 && pairs.allSatisfy { $0.count == 2 })
        let all = pairs.joined()
        guard arePairs, all.count(where: { _ in true }) == 32,
            all.allSatisfy({ isAlphanumeric($0) && UInt8(String(UnicodeScalar($0)), radix: 16) != nil }),
            all.contains(where: { $0 > UInt8(ascii: "9") })
        else { return nil }
        return "is 16 bytes in hexadecimal: write them in base64"
    }

    // MARK: A part of it

    /// What ends in padding, and has about as many characters as a key.
    private static func damage(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        let body = bytes[..<((bytes.lastIndex { $0 != UInt8(ascii: "=") } ?? -1) + 1)]
        let padding = bytes.count - body.count
        guard (1...3).contains(padding), (19...25).contains(body.count) else { return nil }
        let url = body.count { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        let foreign = body.count { !KeyBase64.isSymbol($0) } - url
        guard foreign == 0 || (foreign <= 2 && padding == 2 && (21...23).contains(body.count)) else { return nil }
        guard body.allSatisfy({ $0 > 32 && $0 < 127 }) else { return nil }
        guard body.count == 22, padding == 2 else {
            return "looks like a damaged one: 16 bytes have 22 characters of base64, and == at the end"
        }
        if foreign == 0, url > 0 { return "is in the URL alphabet of base64: write + for - and / for _" }
        return "looks like a damaged one: its 22 characters are not the base64 of 16 bytes"
    }

    /// The base64 of 15, 16 or 17 bytes without padding. Words have as many characters, so it also has to mix upper and lower
    /// case as only random characters do.
    private static func lostPadding(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        let isPlain = bytes.allSatisfy(KeyBase64.isSymbol)
        let isBase64 = bytes.allSatisfy { KeyBase64.isSymbol($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        switch bytes.count {
        // The last character holds two bits of the key, and four that are zero.
        case 22 where isBase64 && "AQgw".utf8.contains(bytes[21]) && isMixed(bytes):
            return isPlain
                ? "looks like base64 without its padding: add =="
                : "looks like base64 in the URL alphabet: write + for - and / for _, and add =="
        case 20 where isPlain && isMixed(bytes), 23 where isPlain && isMixed(bytes):
            return "looks like a damaged one, the base64 of \(bytes.count * 3 / 4) bytes: a key has 16"
        default: return nil
        }
    }

    /// Whether upper case, lower case, digits and symbols follow each other as in random base64, of which neighbours differ
    /// in kind 64 times in a hundred. Words joined as in CorrectHorseBattery1 have a few changes, and digits at their end.
    private static func isMixed(_ bytes: [UInt8]) -> Bool {
        let kinds = bytes.map(Kind.init)
        let changes = zip(kinds, kinds.dropFirst()).count { $0 != $1 }
        let inner = kinds[..<((kinds.lastIndex { $0 == .upper || $0 == .lower } ?? 0))]
        guard kinds.contains(.upper), kinds.contains(.lower) else { return false }
        return changes * 2 >= bytes.count - 1
            || (inner.contains { $0 == .digit || $0 == .symbol } && changes * 4 >= bytes.count - 1)
    }

    private enum Kind {
        case upper, lower, digit, symbol

        init(_ byte: UInt8) {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): self = .upper
            case UInt8(ascii: "a")...UInt8(ascii: "z"): self = .lower
            case UInt8(ascii: "0")...UInt8(ascii: "9"): self = .digit
            default: self = .symbol
            }
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { Kind(byte) != .symbol }
}
