import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct KeyUseCodecTests {
    private static let keys = [Key.random().id, Key.random().id, Key.random().id]
    private static let uses: [KeyID: KeyUse] = [
        keys[0]: KeyUse(count: 3, last: CalendarTime(microseconds: 1_800_000_000_000_000)), keys[1]: KeyUse(),
        keys[2]: KeyUse(count: .max, last: CalendarTime(microseconds: .min)),
    ]

    @Test func `uses go there and back, and the text is the same for the same uses`() throws {
        let bytes = KeyUseCodec.encode(Self.uses)
        #expect(KeyUseCodec.decode(bytes) == Self.uses)
        #expect(KeyUseCodec.encode(try #require(KeyUseCodec.decode(bytes))) == bytes)
        #expect(KeyUseCodec.decode(KeyUseCodec.encode([:])) == [:])
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("wstan key uses 1\n"))
    }

    @Test func `when a user was seen with which of the server's keys is kept too`() {
        let servers = [Self.keys[1]: CalendarTime(microseconds: 5), Self.keys[2]: CalendarTime(microseconds: -7)]
        let uses = [Self.keys[0]: KeyUse(count: 3, last: CalendarTime(microseconds: 5), servers: servers), Self.keys[1]: KeyUse()]
        let bytes = KeyUseCodec.encode(uses)
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("wstan key uses 2\n"))
        #expect(KeyUseCodec.decode(bytes) == uses)
    }

    @Test func `what was cut or changed is not taken`() {
        let bytes = KeyUseCodec.encode(Self.uses)
        for count in 0..<bytes.count { #expect(KeyUseCodec.decode(Array(bytes[..<count])) == nil) }
        for place in bytes.indices {
            var other = bytes
            other[place] ^= 1
            #expect(KeyUseCodec.decode(other) == nil)
        }
    }

    @Test(arguments: [
        "wstan key uses 3\n", "wstan key uses 2\n", "wstan key uses 1\nx 1 -\n", "wstan key uses 1\n0123456789abcdef -1 -\n",
        "wstan key uses 1\n\n",
    ])
    func `a text with a right digest may still make no sense`(text: String) {
        #expect(KeyUseCodec.decode(ChecksumLine.append(to: Array(text.utf8))) == nil)
    }

    @Test func `the most keys that there may be fit into the file`() {
        let most = KeyRingBounds.keys + KeyRingBounds.userKeys
        let ids = (0..<most).compactMap { number in
            KeyID(text: String(repeating: "0", count: 16 - String(number, radix: 16).count) + String(number, radix: 16))
        }
        let time = CalendarTime(microseconds: .min)
        let use = KeyUse(count: .max, last: time, servers: [ids[0]: time, ids[1]: time])
        let uses = Dictionary(uniqueKeysWithValues: ids.map { ($0, use) })
        let bytes = KeyUseCodec.encode(uses)
        #expect(bytes.count <= KeyUseCodec.fileSize)
        #expect(KeyUseCodec.decode(bytes)?.count == most)
    }
}
