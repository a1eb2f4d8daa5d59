import Testing

@testable import WstanCore

@Suite struct TunnelCountsTests {
    private static func source(_ text: String) throws -> ClientAddress.Source {
        try #require(ClientAddress(text: text)).source
    }

    @Test func `a client has as many as it may have, and one more when one has ended`() throws {
        let counts = TunnelCounts()
        let client = try Self.source("192.0.2.1:1")
        for _ in 0..<3 { #expect(counts.enter(client, limit: 3)) }
        #expect(!counts.enter(client, limit: 3))
        #expect(counts.enter(try Self.source("192.0.2.2"), limit: 3))
        counts.leave(client)
        #expect(counts.enter(try Self.source("192.0.2.1:2"), limit: 3))
        #expect(!counts.enter(client, limit: 3))
    }

    @Test func `an IPv6 network is one client`() throws {
        let counts = TunnelCounts()
        #expect(counts.enter(try Self.source("2001:db8::1"), limit: 1))
        #expect(!counts.enter(try Self.source("[2001:db8::ffff]:9"), limit: 1))
        #expect(counts.enter(try Self.source("2001:db8:0:1::1"), limit: 1))
        #expect(try Self.source("2001:db8::1").description == "2001:db8::/64")
        #expect(try Self.source("::ffff:192.0.2.1").description == "192.0.2.1")
    }

    @Test func `who has none is not remembered`() throws {
        let counts = TunnelCounts()
        let client = try Self.source("192.0.2.1")
        for _ in 0..<2 { #expect(counts.enter(client, limit: 2)) }
        for _ in 0..<3 { counts.leave(client) }
        #expect(counts.clients == 0)
        #expect(!counts.enter(client, limit: 0))
        #expect(counts.clients == 0)
    }

    @Test func `workers that ask at once get no more than the limit`() async throws {
        let counts = TunnelCounts()
        let client = try Self.source("192.0.2.1")
        let admitted = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<500).count { _ in counts.enter(client, limit: 700) } }
            }
            return await group.reduce(0, +)
        }
        #expect(admitted == 700)
    }
}
