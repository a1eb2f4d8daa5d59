import Testing

@testable import wstanctl

/// What a terminal sends for a key.
@Suite struct KeyReaderTests {
    private static func keys(_ text: String) -> [PressedKey] {
        var reader = KeyReader()
        return text.utf8.compactMap { reader.read($0) }
    }

    @Test(
        arguments: [
            ("q", [.character("q")]), ("\u{1B}[A", [.up]), ("\u{1B}OB", [.down]), ("\u{1B}[5~", [.pageUp]),
            ("\u{1B}[6~", [.pageDown]),
            ("\u{1B}[H", [.home]), ("\u{1B}[1~", [.home]), ("\u{1B}[7~", [.home]), ("\u{1B}OF", [.end]),
            ("\u{1B}[4~", [.end]),
            ("\u{1B}[1;5A", [.up]), ("\u{1B}[C\u{1B}[Dx", [.character("x")]),
            ("\u{1B}\u{1B}[Ax", [.up, .character("x")]),
            ("\u{1B}x", []), ("é", []), ("\u{1B}[200~q", [.character("q")]), ("\u{1B}", []), ("\u{1B}[", []),
            ("\u{1B}[5", []),
        ] as [(String, [PressedKey])])
    func `keys are told from what is sent for them`(text: String, keys: [PressedKey]) {
        #expect(Self.keys(text) == keys)
    }

    @Test func `what never ends is not held`() {
        #expect(Self.keys("\u{1B}[" + String(repeating: "1", count: 1000) + "q").last == .character("q"))
    }
}
