import Testing

@testable import WstanBase
@testable import WstanControl
@testable import WstanCore
@testable import WstanKit

@Suite struct KeyTextTests {
    private static let key = "WY+yKqwlAlxSubNXVLrJsw=="
    private static let phrase = "correct horse battery staple"

    private static func problem(_ text: String) -> String? {
        do throws(KeyText.Problem) {
            _ = try KeyText(text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        "", "\n", "\r\n", "\r", " ", "\t", "\u{A0}", "\u{3000}", "\u{2028}", "\u{85}", "\u{0B}", "\u{0C}", "\u{0}", "\u{1A}",
        "\u{FEFF}", "\u{200B}", "\u{200D}", "\u{200E}", "\u{202A}", "\u{2060}", "\u{2069}", "\u{AD}", "\n\n \r\n\u{FEFF}\u{200B} ",
    ])
    func `what nobody sees around a key is taken off, wherever the key comes from`(decoration: String) throws {
        for text in [Self.key + decoration, decoration + Self.key, decoration + Self.key + decoration] {
            #expect(try KeyText(text).text == Self.key)
            #expect(try KeyText(firstLineOf: Array(text.utf8)).passphrase == nil)
        }
        let phrase = try KeyText(decoration + Self.phrase + decoration)
        #expect(phrase.passphrase == Self.phrase)
    }

    @Test func `the first line of a file counts, and a value has but one`() throws {
        for end in ["\nsecond line", "\r\n# a comment", "\n\n\nmore\n"] {
            #expect(try KeyText(firstLineOf: Array((Self.key + end).utf8)).text == Self.key)
            #expect(Self.problem(Self.key + end)?.hasPrefix("has more than one line") == true)
        }
        #expect(try KeyText(firstLineOf: Array(("\n\n" + Self.key).utf8)).text == Self.key)
        let commented = Array("# laptop\n\(Self.key)\n".utf8)
        #expect(throws: KeyText.Problem.self) { try KeyText(firstLineOf: commented) }
        #expect(try KeyText("#hunter2 and more").passphrase == "#hunter2 and more")
    }

    @Test func `a first line above a key, or half a key, is no passphrase`() throws {
        func problem(_ text: String) -> String? {
            do throws(KeyText.Problem) { _ = try KeyText(firstLineOf: Array(text.utf8)) } catch { return error.description }
            return nil
        }
        for above in ["$ wstand -g", "; comment", "my laptop"] {
            #expect(problem("\(above)\r\n \(Self.key)\n")?.hasPrefix("is not in the first line") == true, "\(above)")
        }
        #expect(problem("\(Self.key.prefix(10))\n\(Self.key.dropFirst(10))\n")?.hasPrefix("is broken into several lines") == true)
        #expect(problem("passphrase:hunter2\n\(Self.key)\n") == nil)
        #expect(problem("hunter2 and more\nsome other text\n") == nil)
        #expect(problem("\(Self.key)\n\(Self.key)\n") == nil)
    }

    @Test(arguments: [
        ("", "is empty"), (" \n\u{FEFF}", "is empty"), ("a\u{0}b", "NUL"), ("a\u{1B}b", "control character"),
        ("a\u{FFFD}b", "not UTF-8"), (String(repeating: "x", count: 4097), "above 4096 bytes"), ("passphrase: ", "is empty"),
    ])
    func `what cannot be a key is refused`(text: String, words: String) {
        #expect(Self.problem(text)?.contains(words) == true)
    }

    @Test func `other encodings than UTF-8 are named`() {
        func problem(_ bytes: [UInt8]) -> String? {
            do throws(KeyText.Problem) {
                _ = try KeyText(firstLineOf: bytes)
                return nil
            } catch {
                return error.description
            }
        }
        let units: [UInt8] = Self.key.utf8.flatMap { byte -> [UInt8] in [byte, 0] }
        #expect(problem([0xFF, 0xFE] + units)?.contains("UTF-16") == true)
        #expect(problem(units)?.contains("UTF-16") == true)
        #expect(problem([0] + units.dropLast())?.contains("UTF-16") == true)
        #expect(problem([0x80] + (1...15).map { UInt8(0x60 + $0) })?.contains("base64") == true)
        #expect(problem([0xE9, 0x74, 0xE9])?.contains("not UTF-8") == true)
    }

    /// Each would silently be another key.
    @Test(arguments: [
        "\"WY+yKqwlAlxSubNXVLrJsw==\"", "'WY+yKqwlAlxSubNXVLrJsw=='", "“WY+yKqwlAlxSubNXVLrJsw==”", "`a passphrase`",
        "<WY+yKqwlAlxSubNXVLrJsw==>", "'correct horse'", "«WY+yKqwlAlxSubNXVLrJsw==»",
        "A fresh random key: WY+yKqwlAlxSubNXVLrJsw==", "base64 key: WY+yKqwlAlxSubNXVLrJsw==",
        "WSTAN_KEY=WY+yKqwlAlxSubNXVLrJsw==", "export K=WY+yKqwlAlxSubNXVLrJsw==", "key: WY-yKqwlAlxSubNXVLrJsw==",
        "WY+yKqwlAlxSubNXVLrJsw== # laptop", "WY+yKqwlAlxSubNXVLrJsw==\\n", "WY+yKqwlAlxSubNXVLrJsw==;",
        "WY+yKqwlAlxSubNXVLrJsw== AAECAwQFBgcICQoLDA0ODw==", "[200~WY+yKqwlAlxSubNXVLrJsw==[201~",
        "{\"key\":\"WY+yKqwlAlxSubNXVLrJsw==\"}", "-----BEGIN PRIVATE KEY-----",
        "WY+yKqwl AlxSubNXVLrJsw==", "WY+yKqwlAlxS\u{200B}ubNXVLrJsw==", "WY%2ByKqwlAlxSubNXVLrJsw%3D%3D",
        "WY+yKqwlAlxSubNXVLrJsw=3D=3D", "V1kreUtxd2xBbHhTdWJOWFZMckpzdz09", "V1kreUtxd2xBbHhTdWJOWFZMckpzdz09Cg==",
        // With what a program on its way has written for some characters.
        "WY&#43;yKqwlAlxSubNXVLrJsw==", "WY&#x2b;yKqwlAlxSubNXVLrJsw&#61;&#61;", "WY&plus;yKqwlAlxSubNXVLrJsw&equals;&equals;",
        "&quot;WY+yKqwlAlxSubNXVLrJsw==&quot;", "WY+yKqwlAlxSubNXVLrJsw&#61&#61", "WY&amp;#43;yKqwlAlxSubNXVLrJsw==",
        "WY+yKqwlAlxSubNXVLrJsw\\u003d\\u003d", "WY\\u002ByKqwlAlxSubNXVLrJsw==", "WY\\/yKqwlAlxSubNXVLrJsw==", "WY\\+yKqwlAlxSubNXVLrJsw\\=\\=",
        "WY\\x2byKqwlAlxSubNXVLrJsw\\x3d\\x3d", "WY\\053yKqwlAlxSubNXVLrJsw==", "WY+yKqwlAlxSubNXVLrJsw\\u{3d}\\u{3d}",
        "WY%252ByKqwlAlxSubNXVLrJsw%253D%253D", "WY%2byKqwlAlxSubNXVLrJsw==", "=?UTF-8?Q?WY+yKqwlAlxSubNXVLrJsw=3D=3D?=", "WY yKqwlAlxSubNXVLrJsw==",
        // And what looks alike.
        "WY+yKqwlAlxSubNXVLrJsw＝＝", "ＷＹ＋ｙＫｑｗｌＡｌｘＳｕｂＮＸＶＬｒＪｓｗ＝＝", "WY–yKqwlAlxSubNXVLrJsw==", "WY—yKqwlAlxSubNXVLrJsw==", "WY−yKqwlAlxSubNXVLrJsw==",
        "WY⁄yKqwlAlxSubNXVLrJsw==", "WY+yKqwlAlxSubNXVLrJsw⩵", "WY+yКqwlAlxSubNXVLrJsw==", "WY+yKqwlΑlxSubNXVLrJsw==",
        "WY+yKqwl\u{A0}AlxSubNXVLrJsw==", "WY+yKqwl\u{FE0F}AlxSubNXVLrJsw==", "WY+yKqwl\u{AD}AlxSubNXVLrJsw==", "WY+yKqwl\u{3164}AlxSubNXVLrJsw==",
        "key\\u003dWY+yKqwlAlxSubNXVLrJsw\\u003d\\u003d",
        // Another alphabet, lost or wrong padding.
        "WY-yKqwlAlxSubNXVLrJsw==", "WY_yKqwlAlxSubNXVLrJsw==", "WY+yKqwlAlxSubNXVLrJsw", "WY-yKqwlAlxSubNXVLrJsw",
        "WY+yKqwlAlxSubNXVLrJsw=", "WY+yKqwlAlxSubNXVLrJsw===", "WY+yKqwlAlxSubNXVLrJsx==", "WY*yKqwlAlxSubNXVLrJsw==",
        // Characters lost or added.
        "Y+yKqwlAlxSubNXVLrJsw==", "WY+yKqwlAlxSubNXVLrJs==", "WWY+yKqwlAlxSubNXVLrJsw==", "yKqwlAlxSubNXVLrJsw==",
        // 15 and 17 bytes, 14 and 18.
        "WY+yKqwlAlxSubNXVLrJ", "WY+yKqwlAlxSubNXVLrJs0I=", "WY+yKqwlAlxSubNXVLrJs0I", "WY+yKqwlAlxSubNXVLo=",
        // Of version 2, with another beginning.
        "wstan2AjWActY2WIDRruoyqwlAlxSubNXVLrJsw", "WSTAN2:AjWActY2WIDRruoyqwlAlxSubNXVLrJsw", "Wstan2:AAAA", "wstan2",
        "wstan2;AAAA", "wstan2：AAAA", "WSTAN2AAAA", "wstan2 :AAAA",
        // 16 bytes in hexadecimal.
        "598fb22aac25025c52b9b35754bac9b3", "598FB22AAC25025C52B9B35754BAC9B3", "0x598fb22aac25025c52b9b35754bac9b3",
        "59:8f:b2:2a:ac:25:02:5c:52:b9:b3:57:54:ba:c9:b3", "59 8f b2 2a ac 25 02 5c 52 b9 b3 57 54 ba c9 b3",
    ])
    func `a damaged key, or one with something around it, is no passphrase`(text: String) throws {
        let problem = try #require(Self.problem(text))
        #expect(problem.hasSuffix("(a passphrase that looks so is written passphrase:TEXT)"))
        #expect(!problem.contains("qwl"), "the key itself is told")
        // As a passphrase it is written so.
        let meant = try KeyText("passphrase:" + text)
        #expect(meant.passphrase == text && meant.text == "passphrase:" + text)
    }

    @Test(arguments: [
        "pass", "hunter2", phrase, "密码 wstan", "p@ssw0rd==", "secret=", "a=b", "x==", "key", "'", "\"quoted\" inside", "O'Brien's",
        "wstan", "wstan 2", "my wstan2 key", "wstan-2:x", "WSTAN1", "wsTan",
        "Tr0ub4dor&3", "correct-horse-battery", "Correct-Horse-Staple", "CorrectHorseBattery1", "correcthorsebatteryst",
        "correcthorsebatterysta", "CorrectHorseStapleRing", "TheQuickBrownFoxJumped1", "C0rrect-H0rse-St4ple", "deadbeef",
        // Random, of lengths that are not those of a key.
        "d0fK3pXz1Lq8", "mF3kQ9xLp2Zt7VbN", "3zq1Yw0sJb8k5hXc2vRnT7pL4mGd", "12345678901234567890123456789012",
        // What openssl rand -base64 makes of 12, 18, 24, 32 bytes, rand -hex of 8 and 32, and uuidgen.
        "q83vASNFZ4mrze8B", "q83vASNFZ4mrze8BI0VniavN", "q83vASNFZ4mrze8BI0VniavN7wEjRWeJ",
        "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=", "598fb22aac25025c",
        "598fb22aac25025c52b9b35754bac9b3598fb22aac25025c52b9b35754bac9b3", "123e4567-e89b-12d3-a456-426614174000",
        "AT&amp;T and more", "50%25 of all", "a\\u003db", "C:\\new\\table", "Пароль из слов", "em — dash", "ｐａｓｓｗｏｒｄ", "R&#68;", "a b c d e f g h i j k l==",
        "= starts so", "🔑️", "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
    ])
    func `a passphrase stays what it was`(text: String) throws {
        let read = try KeyText(text)
        #expect(read.passphrase == text && read.text == text)
        #expect("\(read)" == "<key>" && String(reflecting: read) == "<key>")
    }

    /// The rule for lost padding is one of likelihood: neighbours differ in kind in random base64, and seldom in words.
    @Test func `random keys without padding are seen, but for one in some hundred`() {
        var random = SystemRandomNumberGenerator()
        for count in [15, 16, 17] {
            let missed = (0..<1000).count { _ in
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                let text = Base64.encode(bytes).prefix { $0 != "=" }
                return Self.problem(String(text)) == nil
            }
            #expect(missed < 40, "\(count) bytes")
        }
    }

    @Test func `every key that can be made is read as itself`() throws {
        for _ in 0..<1000 {
            let key = Key.random()
            let (read, warning) = try KeyParser.read(KeyText(key.base64 + "\n"), isClient: true)
            #expect(read == .v1(key) && warning == nil && read.text == key.base64)
        }
    }

    @Test func `a passphrase leads to its key, with a warning when it is short`() throws {
        let weak = try KeyParser.read(KeyText("pass"), isClient: true)
        #expect(weak.warning != nil && weak.key.text == nil)
        #expect(weak.key == Key(text: "pass").map { .v1($0) })
        #expect(try KeyParser.read(KeyText("passphrase:pass"), isClient: true).key == weak.key)
        #expect(try KeyParser.read(KeyText(Self.phrase), isClient: true).warning == nil)
    }

    @Test func `decoding is strict and canonical`() {
        #expect(KeyBase64.decode("Zm9vYg==") == Array("foob".utf8))
        for text in ["Zm9vYg=", "Zm9vYg", "Zm9vYh==", "Zm9v-g==", "Zm9vY===", "=", "Zm==vYg="] {
            #expect(KeyBase64.decode(text) == nil, "\(text)")
        }
        #expect(KeyBase64.decode("") == [])
    }
}
