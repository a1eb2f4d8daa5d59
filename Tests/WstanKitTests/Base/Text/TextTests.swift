import Testing
import WstanControl

@testable import WstanBase

@Suite struct TextTests {
    @Test func `names are listed with a word before the last one`() {
        #expect([].listed() == "")
        #expect(["a"].listed() == "a")
        #expect(["a", "b"].listed() == "a and b")
        #expect(["a", "b", "c"].listed() == "a, b and c")
        #expect(["a", "b", "c"].listed("or") == "a, b or c")
    }

    @Test func `a line has no control characters`() {
        #expect(Printable.line("a\nb\u{1B}[1m\u{7F}\u{9B}c é \u{1F600}") == "a?b?[1m??c é \u{1F600}")
        #expect(Printable.line("") == "")
    }

    /// Bidirectional controls and marks, separators, C1, what has no width, tags, a variation selector, private use, a noncharacter.
    static let hidden: [Unicode.Scalar] = [
        "\u{202A}", "\u{202B}", "\u{202C}", "\u{202D}", "\u{202E}", "\u{2066}", "\u{2067}", "\u{2068}", "\u{2069}",
        "\u{200E}", "\u{200F}", "\u{061C}", "\u{2028}", "\u{2029}", "\u{85}", "\u{9B}", "\u{9D}", "\u{200B}", "\u{200C}",
        "\u{200D}", "\u{2060}", "\u{FEFF}", "\u{AD}", "\u{34F}", "\u{180E}", "\u{3164}", "\u{E0001}", "\u{E0041}", "\u{E007F}",
        "\u{FE0F}", "\u{E000}", "\u{FFFE}", "\u{FFF9}", "\u{0}", "\u{8}", "\u{B}", "\u{7F}",
    ]

    @Test(arguments: hidden)
    func `what hides, or turns the direction of writing, is not shown`(scalar: Unicode.Scalar) {
        #expect(Printable.line("a\(scalar)b") == "a?b")
        #expect(Printable.prose("a\(scalar)b".unicodeScalars) == "ab")
        let text = String(decoding: JSONValue.string("a\(scalar)b").text, as: UTF8.self)
        #expect(text.unicodeScalars.allSatisfy(\.isASCII) && text.hasPrefix("\"a\\u"))
    }

    @Test func `wstanctl and the daemon mean the same by what is shown`() {
        for value in UInt32(0)...0x10_FFFF {
            guard let scalar = Unicode.Scalar(value), Printable.isShown(scalar) != scalar.isShown else { continue }
            Issue.record("U+\(String(value, radix: 16))")
        }
    }

    @Test(arguments: ["é", "漢", "\u{1F600}", "e\u{301}", "ا", "\u{FFFD}", "\u{A0}"])
    func `letters, marks and pictures are shown`(text: String) {
        #expect(Printable.line(text) == text)
        #expect(JSONValue.string(text).text == Array("\"\(text)\"".utf8))
    }

    @Test func `a long line is cut, with a mark`() {
        #expect(Printable.line("abc", limit: 3) == "abc")
        #expect(Printable.line("abcd", limit: 3) == "abc...")
        #expect(Printable.line("\r\n\u{1F600}x", limit: 3) == "??\u{1F600}...")
        #expect(Printable.line("", limit: 0) == "")
    }

    @Test func `prose keeps letters and drops what turns the direction of writing`() {
        #expect(Printable.prose("a\u{202E}b\n\u{2028}é".unicodeScalars) == "abé")
    }

    @Test func `of bytes only visible ASCII and spaces are left`() {
        #expect(Printable.ascii(Array("a b\t\r\n~\u{7F}é".utf8)) == "a b~")
    }

    @Test func `spaces and tabs around bytes go, those within stay`() {
        let trimmed = { (text: String) in String(decoding: Array(text.utf8)[...].trimmed, as: UTF8.self) }
        #expect(trimmed(" \ta b\t ") == "a b")
        #expect(trimmed("a") == "a")
        #expect(trimmed(" \t ") == "")
        #expect(trimmed("") == "")
        #expect(trimmed("\ra\n") == "\ra\n")
    }

    @Test func `trimming keeps the indices`() {
        let bytes = Array("x:  y  ".utf8)
        #expect(bytes[2...].trimmed.indices == 4..<5)
    }
}
