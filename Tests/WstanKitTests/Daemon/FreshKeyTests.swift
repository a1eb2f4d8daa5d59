import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanControl
@testable import WstanCore
@testable import WstanKit

@Suite struct FreshKeyTests {
    @Test func `a key of version 1 is Python's, with words on a terminal only`() throws {
        let key = FreshKey(isV2: false)
        let text = key.text(onTerminal: false)
        #expect(Base64.decode(text.utf8)?.count == 16)
        #expect(key.text(onTerminal: true) == "A fresh random key: \(text)")
    }

    @Test
    func `the first line of version 2 is the server's, and the second its client's, which cannot play the server`()
        throws
    {
        let text = FreshKey(isV2: true).text(onTerminal: false)
        let lines = text.split(separator: "\n").map(String.init)
        try #require(lines.count == 2)
        let (server, client) = (try KeyString(text: lines[0]), try KeyString(text: lines[1]))
        #expect(client.kind == .client && client.serverKey == nil)
        #expect(client.serverPublicKey == server.serverPublicKey && client.userKey == server.userKey)
        // As a key file the output is the server's key.
        let (key, _) = try KeyParser.read(try KeyText(firstLineOf: Array(text.utf8)), isClient: false)
        #expect(key.ringID == server.serverPublicKey.id)
        #expect(FreshKey(isV2: true).text(onTerminal: true).hasPrefix("For the server: wstan2:"))
        // A key file has more lines than the key.
        #expect(try ClientString.string(of: Array(text.utf8)) == lines[1])
        let failure = #expect(throws: ConfigurationFailure.self) { try ClientString.string(of: Array(lines[1].utf8)) }
        #expect(failure?.description.contains("the key on stdin is a client's already") == true)
    }

    @Test(arguments: [
        ("", "is empty"), ("WY+yKqwlAlxSubNXVLrJsw==", "is of version 1"), ("a passphrase", "is of version 1"),
        ("wstan2:AQ", "was cut off"),
        // A server's alone: its clients are in its ring.
        ("wstan2:AyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4_MmcEDg", "holds no client's key: the key was rotated"),
    ])
    func `a key without a client's string is refused with the reason`(text: String, reason: String) {
        let failure = #expect(throws: ConfigurationFailure.self) { try ClientString.string(of: Array(text.utf8)) }
        #expect(failure?.description.contains("the key on stdin ") == true && failure?.description.contains(reason) == true)
    }
}
