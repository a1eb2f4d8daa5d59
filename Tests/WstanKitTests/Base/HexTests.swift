import Testing

@testable import WstanBase

@Suite struct HexTests {
    @Test func `every byte goes there and back, in either case`() {
        let bytes = Array(UInt8.min...UInt8.max)
        let text = Hex.encode(bytes)
        #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff"))
        #expect(Hex.decode(text.utf8) == bytes)
        #expect(Hex.decode(text.uppercased().utf8) == bytes)
        #expect(Hex.encode([]) == "" && Hex.decode("".utf8) == [])
    }

    @Test func `what is not a digit, or half a byte, is nothing`() {
        let digits = "0123456789abcdefABCDEF".utf8
        for byte in UInt8.min...UInt8.max { #expect((Hex.value(byte) != nil) == digits.contains(byte)) }
        for text in ["a", "abc", "0g", "g0", "0 ", "é"] { #expect(Hex.decode(text.utf8) == nil) }
    }
}
