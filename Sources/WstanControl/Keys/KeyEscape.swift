/// What programs on the way of a text write for characters of it. A key that went through one of them is another text, which would
/// be taken for a passphrase.
enum KeyEscape: CaseIterable {
    /// `%3D` of a URI, `=3D` of quoted-printable mail.
    case hexadecimal
    /// `&amp;`, `&#43;` and `&#x3d;` of HTML and XML.
    case entity
    /// `\/`, `\u003d`, `\x3d`, `\075` of JSON, shells and programming languages.
    case backslash
    /// A blank for `+`, as in the query of a URI that was decoded.
    case blank
    /// Full-width forms, dashes of a word processor, letters of other alphabets that look like ours.
    case lookalike

    /// In words that follow "the key".
    var problem: String {
        switch self {
        case .hexadecimal: "is percent-encoded or quoted-printable: write its characters as they are"
        case .entity: "has entities of HTML, such as &#43; or &amp;: write the characters that they stand for"
        case .backslash: "has escapes with a backslash, such as \\/ or \\u003d: write the characters that they stand for"
        case .blank: "has blanks where it had +: write + for them"
        case .lookalike: "has full-width or typographic characters that look like its own: write + / = - and letters of ASCII"
        }
    }

    /// The text as it was before; the same text where it has none of them.
    func undone(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var index = 0
        while index < scalars.count {
            let rest = scalars[index...]
            if let (plain, length) = plain(rest.prefix(Self.longest)) {
                result.append(contentsOf: plain.unicodeScalars)
                index += length
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        return String(result)
    }

    /// Of one escape, in scalars: `&NotEqual;` and the like are not meant.
    private static let longest = 10

    /// - Returns: what the escape at the beginning stands for, and its length; nil if the text does not begin with an escape.
    private func plain(_ text: ArraySlice<Unicode.Scalar>) -> (String, Int)? {
        guard let first = text.first else { return nil }
        let rest = text.dropFirst()
        switch self {
        case .hexadecimal:
            guard first == "%" || first == "=", let scalar = Self.scalar(rest.prefix(2), digits: 2, radix: 16) else { return nil }
            return (scalar, 3)
        case .entity: return first == "&" ? Self.entity(rest) : nil
        case .backslash: return first == "\\" ? Self.backslash(rest) : nil
        case .blank: return first == " " ? ("+", 1) : nil
        case .lookalike: return Self.ascii(first).map { ($0, 1) }
        }
    }

    private static func scalar(_ digits: ArraySlice<Unicode.Scalar>, digits count: Int? = nil, radix: Int) -> String? {
        guard !digits.isEmpty, count.map({ digits.count == $0 }) ?? true, digits.allSatisfy({ $0 != "+" && $0 != "-" }),
            let value = UInt32(String(String.UnicodeScalarView(digits)), radix: radix), let scalar = Unicode.Scalar(value)
        else { return nil }
        return String(Character(scalar))
    }

    // MARK: Entities

    private static let entities = [
        "amp": "&", "quot": "\"", "apos": "'", "lt": "<", "gt": ">", "nbsp": " ", "plus": "+", "sol": "/", "equals": "=",
        "lowbar": "_", "hyphen": "-", "dash": "-", "ndash": "-", "mdash": "-",
    ]

    /// What follows the `&`; its semicolon may be lost.
    private static func entity(_ text: ArraySlice<Unicode.Scalar>) -> (String, Int)? {
        let isHex = text.starts(with: "#x".unicodeScalars) || text.starts(with: "#X".unicodeScalars)
        let mark = isHex ? 2 : text.first == "#" ? 1 : 0
        let name = text.dropFirst(mark).prefix { $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil) }
        // Without a semicolon the digits of a number end where others begin: two of them are all that is needed.
        let isClosed = text.dropFirst(mark + name.count).first == ";"
        let body = isClosed || mark == 0 ? name : name.prefix(2)
        let plain = mark == 0 ? entities[String(String.UnicodeScalarView(body))] : scalar(body, radix: isHex ? 16 : 10)
        return plain.map { ($0, 1 + mark + body.count + (isClosed ? 1 : 0)) }
    }

    // MARK: Backslashes

    /// What follows the `\`.
    private static func backslash(_ text: ArraySlice<Unicode.Scalar>) -> (String, Int)? {
        guard let letter = text.first else { return nil }
        let rest = text.dropFirst()
        switch letter {
        case "u" where rest.first == "{":
            let digits = rest.dropFirst().prefix { $0 != "}" }
            return scalar(digits, radix: 16).map { ($0, digits.count + 4) }
        case "u": return scalar(rest.prefix(4), digits: 4, radix: 16).map { ($0, 6) }
        case "x": return scalar(rest.prefix(2), digits: 2, radix: 16).map { ($0, 4) }
        case "n", "r", "t": return (" ", 2)
        case "0"..."7":
            return scalar(text.prefix(3), digits: 3, radix: 8).map { ($0, 4) }
        default: return (String(Character(letter)), 2)
        }
    }

    // MARK: Lookalikes

    private static let alike: [Unicode.Scalar: Unicode.Scalar] = {
        let pairs = [
            ("\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}\u{FE58}\u{FE63}", "---------"),
            ("\u{FE62}\u{207A}\u{208A}\u{2795}", "++++"), ("\u{FE66}\u{207C}\u{208C}\u{A78A}\u{1400}\u{30A0}", "======"),
            ("\u{2044}\u{2215}\u{29F8}\u{2571}", "////"), ("\u{2017}\u{203F}\u{FE4D}\u{FE4E}\u{FE4F}", "_____"),
            ("АВЕЅІЈКМНОРСТУХаеорсухіјѕһԁԛԝ", "ABESIJKMHOPCTYXaeopcyxijshdqw"), ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo"),
        ]
        var alike: [Unicode.Scalar: Unicode.Scalar] = [:]
        for (others, ours) in pairs {
            for (other, our) in zip(others.unicodeScalars, ours.unicodeScalars) { alike[other] = our }
        }
        return alike
    }()

    private static func ascii(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        // Halfwidth and Fullwidth Forms: ASCII, from ! on.
        case 0xFF01...0xFF5E: Unicode.Scalar(scalar.value - 0xFF01 + 0x21).map { String(Character($0)) }
        // Two of them in one.
        case 0x2A75: "=="
        default: alike[scalar].map { String(Character($0)) }
        }
    }
}
