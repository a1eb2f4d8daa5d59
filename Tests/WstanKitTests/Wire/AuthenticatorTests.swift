import Testing

@testable import WstanCore

@Suite struct AuthenticatorTests {
    /// RFC 2202 section 3, cut to 80 bits. The keys are extended by zeros to a length that we take, which HMAC does
    /// anyway (RFC 2104 section 2).
    private static let knownAnswers: [(key: [UInt8], data: [UInt8], tag: String)] = [
        ([UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8), "b617318655057264e28b"),
        (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8), "effcdf6ae5eb2fa2d274"),
        ([UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50), "125d7342b9ac11cd91a3"),
        (Array(1...25), [UInt8](repeating: 0xcd, count: 50), "4c9007f4026250c6bc84"),
        ([UInt8](repeating: 0x0c, count: 20), Array("Test With Truncation".utf8), "4c1a03424b55e07fe7f2"),
    ]

    private static func authenticator(_ key: [UInt8]) throws -> Authenticator {
        let padded = key + [UInt8](repeating: 0, count: 32 - key.count)
        return Authenticator(key: try #require(Key(bytes: padded)))
    }

    @Test func `the answers of RFC 2202`() throws {
        for (key, data, tag) in Self.knownAnswers {
            let authenticator = try Self.authenticator(key)
            // Twice: the context is used again.
            for _ in 0..<2 { #expect(data.withUnsafeBytes { authenticator.tag(over: $0) } == Hexadecimal(tag).bytes) }
            let message = data + Hexadecimal(tag).bytes
            #expect(message.withUnsafeBytes { authenticator.isAuthentic($0) })
        }
    }

    @Test func `a message that is cut anywhere is not authentic`() throws {
        let authenticator = try Self.authenticator([1, 2, 3])
        let data = Array("a request".utf8)
        let message = data + data.withUnsafeBytes { authenticator.tag(over: $0) }
        for count in 0..<message.count {
            #expect(!Array(message[..<count]).withUnsafeBytes { authenticator.isAuthentic($0) })
            #expect(!Array(message[(message.count - count)...]).withUnsafeBytes { authenticator.isAuthentic($0) })
        }
        // A tag alone is a message without a command.
        let tag: [UInt8] = [].withBytes { authenticator.tag(over: $0) }
        #expect(!tag.withUnsafeBytes { authenticator.isAuthentic($0) })
    }

    @Test func `any flipped bit is found`() throws {
        let authenticator = try Self.authenticator([9])
        let data = Array("connect me to example.com, please".utf8)
        let message = data + data.withUnsafeBytes { authenticator.tag(over: $0) }
        for bit in 0..<(message.count * 8) {
            var changed = message
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(!changed.withUnsafeBytes { authenticator.isAuthentic($0) })
        }
    }

    @Test func `a key has 16 or 32 bytes and prints nothing of itself`() throws {
        for count in 0...64 {
            #expect((Key(bytes: [UInt8](repeating: 1, count: count)) != nil) == [16, 32].contains(count))
        }
        let key = try #require(Key(bytes: [UInt8](repeating: 0x41, count: 16)))
        #expect("\(key) \(String(reflecting: key)) \(Array(Mirror(reflecting: key).children))" == "<key> <key> []")
        #expect(Key(text: "") == nil)
    }
}
