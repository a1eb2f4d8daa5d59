import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct UserRingTests {
    private static func user(_ number: UInt8, expiry: UInt64? = nil, name: String = "a") throws -> RingUser {
        RingUser(
            name: try #require(KeyName(name)), key: UserKey(secret: SecretBytes([UInt8](repeating: number, count: 32))),
            expiry: expiry.map { WireTime(milliseconds: $0) })
    }

    @Test func `users are found by the id of their key, and a name may have several keys`() throws {
        let users = try (1...50).map { try Self.user($0, name: $0 < 10 ? "a" : "n\($0)") }
        let ring = try UserRing(users)
        #expect(ring.count == 50)
        for user in users { #expect(ring.user(user.key.id, at: WireTime(milliseconds: 0)) == user) }
        #expect(ring.user(UserKeyID(value: 1), at: WireTime(milliseconds: 0)) == nil)
    }

    @Test func `two keys with one id are refused, and the names are told`() throws {
        let (a, b) = (try Self.user(1, name: "a"), try Self.user(1, name: "b"))
        #expect(throws: UserRing.Problem.sameKey(a.name, b.name)) { try UserRing([a, try Self.user(2), b]) }
        #expect(throws: UserRing.Problem.sameKey(a.name, a.name)) { try UserRing([a, a]) }
        var ring = try UserRing([a])
        #expect(throws: UserRing.Problem.sameKey(a.name, b.name)) { try ring.add(b) }
        #expect(ring.user(a.key.id, at: WireTime(milliseconds: 0)) == a)
    }

    @Test func `a revoked key is a stranger's at once`() throws {
        let user = try Self.user(1)
        var ring = try UserRing([user])
        let (first, second) = (ring.remove(user.key.id), ring.remove(user.key.id))
        #expect(first == user && second == nil)
        #expect(ring.user(user.key.id, at: WireTime(milliseconds: 0)) == nil)
        try ring.add(user)
        #expect(ring.count == 1)
    }

    @Test func `an expired key is known for thirty days`() throws {
        let user = try Self.user(1, expiry: 1000)
        let ring = try UserRing([user])
        for (now, isKnown, isExpired) in [
            (0, true, false), (999, true, false), (1000, true, true), (1000 + UserRing.remembersExpired - 1, true, true),
            (1000 + UserRing.remembersExpired, false, true), (.max, false, true),
        ] as [(UInt64, Bool, Bool)] {
            let now = WireTime(milliseconds: now)
            #expect((ring.user(user.key.id, at: now) != nil) == isKnown)
            #expect(user.isExpired(at: now) == isExpired)
        }
        let lasting = try Self.user(2)
        #expect(!lasting.isExpired(at: WireTime(milliseconds: .max)))
        let far = try Self.user(3, expiry: .max)
        #expect(try UserRing([far]).user(far.key.id, at: WireTime(milliseconds: .max - 1)) == far)
    }
}
