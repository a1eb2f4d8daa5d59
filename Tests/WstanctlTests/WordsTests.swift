import Testing
import WstanControl

@testable import wstanctl

/// Sizes, times, names, and texts that others chose.
@Suite struct WordsTests {
    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (9_949, "9.9 KB"), (9_950, "10 KB"), (999_499, "999 KB"),
        (999_500, "1.0 MB"), (Int.max, "9223372 TB"), (-5, "0 B"),
    ])
    func `sizes`(count: Int, text: String) {
        #expect(Amount.bytes(count) == text)
    }

    @Test func `what flows is told by the second`() {
        #expect(Amount.rate(3000, since: 1000, within: 500_000) == "4.0 KB/s")
        #expect(Amount.rate(1000, since: 3000, within: 500_000) == "0 B/s")
        #expect(Amount.rate(.max, since: .min, within: 0) == "1000000 TB/s")
    }

    @Test(
        arguments: [
            ("90", 90_000_000), ("90s", 90_000_000), ("500ms", 500_000), ("15min", 900_000_000), ("24h", 86_400_000_000),
            ("7d", 604_800_000_000), ("2 hours", 7_200_000_000), ("0", 0),
            ("", nil), ("h", nil), ("-1s", nil), ("1w", nil), ("9223372036854775807d", nil), ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func `times that are typed`(text: String, microseconds: Int?) {
        #expect(Amount.microseconds(text) == microseconds)
    }

    @Test(arguments: [
        (-1, "0s", "0s"), (59_999_999, "59s", "59s"), (60_000_000, "1min", "1min"), (90_061_000_000, "1d 1h", "1d"),
        (3_601_000_000, "1h", "1h"), (3_660_000_000, "1h 1min", "1h"),
    ])
    func `times that are shown`(microseconds: Int, text: String, short: String) {
        #expect(Amount.time(microseconds: microseconds) == text)
        #expect(Amount.shortTime(microseconds: microseconds) == short)
    }

    @Test func `points in time`() {
        #expect(Amount.moment(0, isUTC: true) == "Thu 1970-01-01 00:00:00 UTC")
        #expect(Amount.time(from: .min, to: .max) == Amount.time(microseconds: .max))
    }

    @Test func `what moves a cursor or hides text is not shown`() {
        #expect(Printable.text("plain é 漢 text") == "plain é 漢 text")
        #expect(Printable.text("a\u{1B}[31mb\nc\u{7F}\u{9B}1\u{202E}\u{200B}\u{FEFF}\u{2028}") == "a?[31mb?c??1????")
    }

    @Test func `columns are those of a terminal`() {
        #expect(Printable.width("abc") == 3)
        #expect(Printable.width("漢字") == 4)
        #expect(Printable.width("e\u{301}") == 1)
        #expect(Printable.padded("漢", to: 4) == "漢  ")
        #expect(Printable.shortened("a.very.long.name.example.com:443", to: 16) == "a.very.lo…om:443")
        #expect(Printable.shortened("漢字漢字漢字", to: 5) == "漢字…")
        #expect(Printable.shortened("abc", to: 1) == "…")
        #expect(Printable.shortened("abc", to: 0) == "")
        #expect(Printable.cut("abcdef", to: 3) == "ab…")
        for width in 1...20 { #expect(Printable.width(Printable.shortened("ab漢字cd漢字ef漢字gh", to: width)) <= width) }
    }

    @Test func `lines are broken at spaces`() {
        #expect(Printable.wrapped("one two three", to: 7) == ["one two", "three"])
        #expect(Printable.wrapped("unbreakable", to: 4) == ["unbreakable"])
        #expect(Printable.wrapped("", to: 4) == [])
    }

    @Test func `words for a shell`() {
        #expect(Shell.quoted("it's $HOME") == #"'it'\''s $HOME'"#)
        #expect(Shell.word("ws://host:8080/a") == "ws://host:8080/a")
        #expect(Shell.word("ws://[::1]:80/") == "'ws://[::1]:80/'")
        #expect(Shell.word("a&b") == "'a&b'")
        #expect(Shell.word("") == "''")
    }

    @Test func `a key is the first line, without white space around it`() throws {
        #expect(try KeyInput.serverKey(in: Array("  a key \t\r\nnot this".utf8), named: "x").text == "a key")
        #expect(try KeyInput.serverKey(in: Array("\nkey".utf8), named: "x").text == "key")
        #expect(throws: Failure("the key in x is empty: wstand -g --v2 makes one")) {
            try KeyInput.serverKey(in: Array("\n \n".utf8), named: "x")
        }
        #expect(throws: Failure("the key in x is not UTF-8 text")) { try KeyInput.serverKey(in: [0xFF], named: "x") }
        #expect(throws: Failure("the key in x holds a NUL character: remove it")) {
            try KeyInput.serverKey(in: [65, 0, 66], named: "x")
        }
        #expect(throws: Failure("the key in x is above 4096 bytes")) {
            try KeyInput.serverKey(in: Array(repeating: 65, count: 4097), named: "x")
        }
    }

    @Test(
        arguments: [
            ("AAECAwQFBgcICQoLDA0ODw==", nil), (" AAECAwQFBgcICQoLDA0ODw== ", nil), ("passphrase:x", nil),
            ("garbage", "7 characters"), ("x", "1 character"), ("correct horse battery!", "22 characters"),
        ] as [(String, String?)])
    func `a passphrase is a key only where it is said to be one`(text: String, length: String?) throws {
        let key = try KeyInput.serverKey(in: Array(text.utf8), named: "x")
        let trimmed = text.split(separator: " ").joined(separator: " ")
        #expect(try KeyInput.checked(key, isPassphrase: true) == trimmed)
        guard let length else {
            #expect(try KeyInput.checked(key, isPassphrase: false) == trimmed)
            return
        }
        let why =
            "that is not a key: it has \(length). A key has 24 that end in ==, or begins with wstan2:. For a passphrase "
            + "add --passphrase."
        #expect(throws: Failure(why)) { try KeyInput.checked(key, isPassphrase: false) }
    }

    /// FIPS 180-4's own examples, lengths around a block, and vectors of docs/protocol-v2.md.
    @Test func `a key string is checked as wstand checks it`() throws {
        func hash(_ text: String) -> String {
            KeyCheck.sha256(Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        #expect(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        let kinds: [(String, KeyStringText.Kind)] = [(Self.shared, .shared), (Self.client, .client), (Self.server, .server)]
        for (text, kind) in kinds {
            #expect(try KeyStringText(text, check: KeyCheck.check).kind == kind)
            for other in ["\(text.dropLast())", "\(text.dropLast())-", "\(text.prefix(20))_\(text.dropFirst(21))"] {
                #expect(throws: (any Error).self) { try KeyInput.serverKey(in: Array(other.utf8), named: "x") }
            }
        }
    }

    private static let shared = "wstan2:AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fJzFQ6A"
    private static let client = "wstan2:AjWActY2WIDRruoymt-RITg4Ue0hoo47dell0NLNFmJUQEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl963GkU"
    private static let server = "wstan2:AyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_MmcEDg"

    @Test func `a string of the other end is refused with where the right one comes from`() throws {
        let (client, server) = (Array(Self.client.utf8), Array(Self.server.utf8))
        #expect(try KeyInput.serverKey(in: server, named: "x").isKeyString)
        #expect(try KeyInput.serverKey(in: Array(Self.shared.utf8), named: "x").isKeyString)
        let needsServer =
            "the key in x is a client's, and a server's is needed: remove it, and \"wstanctl init server\" makes one; "
            + "\"wstand -g --v2\" prints one with the string for its client"
        #expect(throws: Failure(needsServer)) { try KeyInput.serverKey(in: client, named: "x") }
        #expect(try KeyInput.checked(KeyText(Self.client), isPassphrase: false) == Self.client)
        let needsClient =
            "the key is a server's, and a client's is needed: \"wstanctl client-config --key NAME\" prints one at the server"
        #expect(throws: Failure(needsClient)) { try KeyInput.checked(KeyText(Self.server), isPassphrase: false) }
        // A client could work with it, and could play the server.
        let derived = Failure(needsClient + ", and \"wstand --client-key\" makes one of this string")
        #expect(throws: derived) { try KeyInput.checked(KeyText(Self.shared), isPassphrase: false) }
        let cut = Failure("the key in x is cut off or mistyped: its check does not match; copy the whole string again")
        #expect(throws: cut) { try KeyInput.serverKey(in: Array("\(Self.server.dropLast())-".utf8), named: "x") }
    }

    @Test func `where no key was given, it is said where it comes from`() throws {
        let file = "/dev/null"
        let why = "the key in /dev/null is empty: at the server, \"sudo wstanctl add-key NAME\" makes a key and prints it"
        #expect(throws: Failure(why)) { try KeyInput.fromFile(file) }
    }

    @Test func `a new key is the base64 of 16 bytes`() throws {
        #expect(NewSecret.base64([]) == "")
        #expect(NewSecret.base64(Array("f".utf8)) == "Zg==")
        #expect(NewSecret.base64(Array("fo".utf8)) == "Zm8=")
        #expect(NewSecret.base64(Array("foobar".utf8)) == "Zm9vYmFy")
        #expect(NewSecret.base64([0xFB, 0xFF]) == "+/8=")
        let key = NewSecret.key()
        #expect(key.count == 24 && key.hasSuffix("=="))
        #expect(try KeyText(key).passphrase == nil)
        #expect(NewSecret.key() != key)
    }
}
