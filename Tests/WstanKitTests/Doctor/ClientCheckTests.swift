import Testing

@testable import WstanConfig
@testable import WstanKit

@Suite struct ClientCheckTests {
    private static func servers(_ text: String) throws -> [ServerURI] {
        try ConfigFixture(file: text + "key = k\n").run().settings.uris
    }

    @Test func `several servers with one key are told of, and several ways to one are not`() throws {
        #expect(ClientCheck.sharedKey(of: try Self.servers("uri = wss://one.test/\n")) == nil)
        #expect(ClientCheck.sharedKey(of: try Self.servers("uri = wss://one.test/\nuri = ws://one.test:8080/\n")) == nil)
        let finding = ClientCheck.sharedKey(of: try Self.servers("uri = wss://one.test/\nuri = wss://two.test/\n"))
        #expect(finding?.level == .warning && finding?.text.contains("replayed at another server") == true)
    }
}
