import Testing

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
