import Testing

@testable import WstanCore

@Suite struct ChecksumLineTests {
    private static let whole = ChecksumLine.append(to: Array("a\nb\n".utf8))

    @Test func `the last line is the digest of those before it`() {
        // As sha256sum(1) says.
        let digest = "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2"
        #expect(Self.whole == Array("a\nb\nsha256 \(digest)\n".utf8))
        #expect(ChecksumLine.body(of: Self.whole) == Array("a\nb\n".utf8))
        #expect(ChecksumLine.body(of: ChecksumLine.append(to: [])) == [])
    }

    @Test func `what was cut or changed has no body`() {
        for count in 0..<Self.whole.count { #expect(ChecksumLine.body(of: Array(Self.whole.prefix(count))) == nil) }
        for index in Self.whole.indices {
            var changed = Self.whole
            changed[index] ^= 1
            #expect(ChecksumLine.body(of: changed) == nil)
        }
    }
}
