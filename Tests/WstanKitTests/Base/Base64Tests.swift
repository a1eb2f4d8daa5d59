import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct Base64Tests {
    private static func urlSafe(_ text: String) -> String {
        text.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }

    @Test func `bytes of every length are encoded as Foundation does, and decoded`() {
        var random = SeededRandomness(seed: 6)
        for count in 0...200 {
            let bytes = random.bytes(count)
            let text = Data(bytes).base64EncodedString()
            #expect(Base64.encode(bytes) == text)
            #expect(Base64.encode(bytes, .url) == Self.urlSafe(text))
            #expect(Base64.decode(Array(text.utf8)) == bytes)
            #expect(Base64.decode(Array(Self.urlSafe(text).utf8), .url) == bytes)
        }
    }

    @Test func `without padding it is the same text, cut, and padding is refused`() {
        var random = SeededRandomness(seed: 8)
        for count in 0...200 {
            let bytes = random.bytes(count)
            let text = Self.urlSafe(Data(bytes).base64EncodedString()).replacingOccurrences(of: "=", with: "")
            #expect(Base64.encodeUnpadded(bytes) == text)
            #expect(Base64.decodeUnpadded(text.utf8) == bytes)
            #expect(Base64.decodeUnpadded((text + "=").utf8) == nil)
            #expect(Base64.decodeUnpadded((text + "==").utf8) == nil)
        }
        for text in ["A", "AAAAA", "AB", "AAB", "A=", "AA==", "AA\n", " AA", "AA AA", "++++", "//", "AAA\u{0}"] {
            #expect(Base64.decodeUnpadded(text.utf8) == nil, "\(text.debugDescription)")
        }
        for _ in 0..<20_000 {
            let text = Mutation.of(Array(Base64.encodeUnpadded(random.bytes(random.below(30))).utf8), &random)
            guard let bytes = Base64.decodeUnpadded(text) else { continue }
            if Array(Base64.encodeUnpadded(bytes).utf8) != text { Issue.record("\(text)") }
        }
    }

    @Test func `each alphabet refuses the other's symbols`() {
        #expect(Base64.decode(Array("++//".utf8)) == [0xfb, 0xef, 0xff])
        #expect(Base64.decode(Array("--__".utf8), .url) == [0xfb, 0xef, 0xff])
        #expect(Base64.decode(Array("--__".utf8)) == nil)
        #expect(Base64.decode(Array("++//".utf8), .url) == nil)
    }

    @Test func `only canonical text is decoded`() {
        for text in [
            "A", "AA", "AAA", "AA=", "A===", "====", "=", "==", "AAAA=", "AA==AAAA", "A=AA", "=AAA", "AAAAA===", "AB==",
            "AAB=",
            "AAA\n", " AAAA", "AA AA", "AAA\u{0}", "AAA\u{e9}", "AAAA====",
        ] {
            #expect(Base64.decode(Array(text.utf8)) == nil, "\(text.debugDescription)")
        }
    }

    /// Two texts for one nonce would let one capture pass for two requests.
    @Test func `whatever is decoded is encoded to the same text`() {
        var random = SeededRandomness(seed: 7)
        for _ in 0..<20_000 {
            let count = random.below(30)
            let text = Mutation.of(Array(Base64.encode(random.bytes(count)).utf8), &random)
            guard let bytes = Base64.decode(text) else {
                // Foundation takes bits that are not zero, and is as strict about the rest.
                if let more = Data(base64Encoded: Data(text)), more.base64EncodedData() == Data(text) {
                    Issue.record("refused \(text)")
                }
                continue
            }
            if Array(Base64.encode(bytes).utf8) != text { Issue.record("\(text)") }
        }
    }

    @Test func `a nonce is the canonical text of exactly 16 bytes`() {
        for count in [0, 1, 15, 17, 18, 32] {
            #expect(Nonce(base64: Array(Base64.encode([UInt8](repeating: 7, count: count)).utf8)) == nil)
        }
        let text = Base64.encode([UInt8](repeating: 7, count: 16))
        #expect(Nonce(base64: Array(text.utf8))?.bytes == [UInt8](repeating: 7, count: 16))
        #expect(Nonce(base64: Array(text.utf8.dropLast())) == nil)
        #expect(Nonce(base64: Array((text + " ").utf8)) == nil)
    }
}
