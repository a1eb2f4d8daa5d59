import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct KeyRingV2Tests {
    private static let (now, day) = (KeyRingTests.now, KeyRingTests.day)

    static func server(_ number: UInt8) -> ServerKey {
        ServerKey(privateKey: SecretBytes([UInt8](repeating: number, count: 32)))
    }

    static func user(_ number: UInt8) -> UserKey { UserKey(secret: SecretBytes([UInt8](repeating: number, count: 32))) }

    /// Of a server whose configuration gives the server's key 1.
    static func ring(realm: String = "", user: UserKey? = nil) throws -> KeyRing {
        let realm = try #require(Realm(Array(realm.utf8)))
        return KeyRing(configured: .server(server(1), realm, user: user), source: .configuration)
    }

    static func clientRing() throws -> KeyRing {
        KeyRing(
            configured: .client(ClientKey(server: server(1).publicKey, user: user(1), realm: .none)),
            source: .credential)
    }

    private static func problem(_ body: () throws(KeyRing.Problem) -> Void) -> KeyRing.Problem? {
        do throws(KeyRing.Problem) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    private static func wire(_ time: CalendarTime) -> WireTime { WireTime(time) }

    // MARK: Two kinds of key

    @Test func `a name has a key of each version, and each is rotated and retired by itself`() throws {
        var ring = try KeyRingTests.ring()
        let laptop = try KeyRingTests.name("laptop")
        try ring.add(laptop, try KeyRingTests.key(2), now: Self.now)
        try ring.add(laptop, Self.user(1), now: Self.now)
        let (first, again) = (Self.user(9), Self.user(1))
        #expect(Self.problem { () throws(KeyRing.Problem) in try ring.add(laptop, first, now: Self.now) } == .nameTaken)
        #expect(
            Self.problem { () throws(KeyRing.Problem) in try ring.add(.configured, again, now: Self.now) }
                == .keyTaken(by: laptop))
        try ring.rotate(laptop, to: Self.user(2), grace: Self.day, now: Self.now)
        #expect(ring.liveKeys.map(\.key) == (try [1, 2].map { try KeyRingTests.key($0) }))
        #expect(ring.entry(laptop)?.v2.keys.map(\.key) == [Self.user(2), Self.user(1)])
        let v1 = try KeyRingTests.key(2)
        #expect(ring.names[Self.user(1).ringID] == laptop && ring.names[v1.id] == laptop)

        try ring.retire(v1.id)
        #expect(ring.entry(laptop)?.v1.isEmpty == true && ring.entry(laptop)?.v2.count == 2)
        #expect(
            Self.problem { () throws(KeyRing.Problem) in
                try ring.rotate(laptop, to: v1, grace: Self.day, now: Self.now)
            } == .noSuchName)
        for number in [1, 2] as [UInt8] { try ring.retire(Self.user(number).ringID) }
        #expect(ring.entry(laptop) == nil && ring.users.count == 0)
    }

    @Test func `users are what the ring has, with the ends of former keys, and a retired key is a stranger's`() throws {
        var ring = try Self.ring()
        let laptop = try KeyRingTests.name("laptop")
        try ring.add(laptop, Self.user(1), now: Self.now)
        try ring.rotate(laptop, to: Self.user(2), grace: Self.day, now: Self.now)
        let users = ring.users
        let former = try #require(users.user(Self.user(1).id, at: Self.wire(Self.now)))
        #expect(former.name == laptop && former.expiry == Self.wire(Self.now + Self.day))
        #expect(users.user(Self.user(2).id, at: Self.wire(Self.now))?.expiry == nil)
        try ring.retire(Self.user(1).ringID)
        #expect(ring.users.user(Self.user(1).id, at: Self.wire(Self.now)) == nil)
    }

    @Test func `an expired key of version 2 stays for thirty days, so that its client is told`() throws {
        var ring = try Self.ring()
        let laptop = try KeyRingTests.name("laptop")
        try ring.add(laptop, Self.user(1), now: Self.now)
        try ring.rotate(laptop, to: Self.user(2), grace: Self.day, now: Self.now)
        let later = Self.now + Self.day * 2
        let isEarly = ring.expire(now: later)
        #expect(!isEarly)
        #expect(ring.users.user(Self.user(1).id, at: Self.wire(later))?.isExpired(at: Self.wire(later)) == true)
        #expect(ring.nextExpiry == Self.now + Self.day * 31)
        // Its tunnels are told at once.
        #expect(ring.nextEnd(after: Self.now) == Self.now + Self.day)
        #expect(ring.nextEnd(after: Self.now + Self.day) == Self.now + Self.day * 31)
        let isOver = ring.expire(now: Self.now + Self.day * 31)
        #expect(isOver)
        #expect(ring.entry(laptop)?.v2.keys.map(\.key) == [Self.user(2)])
    }

    // MARK: The server's own key

    @Test func `a rotated server key is accepted for its grace, and at most one former is there`() throws {
        var ring = try Self.ring(realm: "east")
        #expect(ring.serverKeys(now: Self.now) == LiveServerKeys(current: Self.server(1)))
        try ring.rotateServerKey(to: Self.server(2), grace: Self.day, now: Self.now)
        #expect(ring.serverKeys(now: Self.now) == LiveServerKeys(current: Self.server(2), former: Self.server(1)))
        #expect(ring.realm.description == "east")
        // On time, whether or not it was dropped.
        #expect(ring.serverKeys(now: Self.now + Self.day)?.former == nil)
        let current = Self.server(2)
        #expect(
            Self.problem { () throws(KeyRing.Problem) in
                try ring.rotateServerKey(to: current, grace: Self.day, now: Self.now)
            } == .keyIsCurrent)
        try ring.rotateServerKey(to: Self.server(3), grace: Self.day, now: Self.now)
        #expect(ring.server.keys.map(\.key) == [Self.server(3), Self.server(2)])
        let id = Self.server(3).ringID
        #expect(Self.problem { () throws(KeyRing.Problem) in try ring.retire(id) } == .isServerKey)
        var retired = ring
        try retired.retire(Self.server(2).ringID)
        ring.expire(now: Self.now + Self.day)
        #expect(ring == retired && ring.server.count == 1)
    }

    @Test func `a client's string follows from the server's current key, the name's and the realm`() throws {
        var ring = try Self.ring(realm: "east")
        let laptop = try KeyRingTests.name("laptop")
        #expect(ring.clientKey(of: laptop) == nil)
        try ring.add(laptop, Self.user(1), now: Self.now)
        try ring.rotateServerKey(to: Self.server(2), grace: Self.day, now: Self.now)
        let key = try #require(ring.clientKey(of: laptop))
        #expect(key == ClientKey(server: Self.server(2).publicKey, user: Self.user(1), realm: ring.realm))
        #expect(key.string.kind == .client && key.string.clientKey == key)
    }

    // MARK: The configured key

    @Test func `an edited server key wins, its users stay, and the same one with another realm is another`() throws {
        var ring = try Self.ring()
        let laptop = try KeyRingTests.name("laptop")
        try ring.add(laptop, Self.user(1), now: Self.now)
        try ring.rotateServerKey(to: Self.server(2), grace: Self.day, now: Self.now)
        let rotated = ring
        #expect(ring.adopt(configured: .server(Self.server(1), .none, user: nil), source: .configuration) == .stands)
        #expect(ring == rotated)
        // It was written there.
        #expect(ring.adopt(configured: .server(Self.server(2), .none, user: nil), source: .credential) == .stands)
        #expect(ring.server.current?.source == .credential && ring.server.count == 2)
        let east = try #require(Realm(Array("east".utf8)))
        let edited = ring.adopt(configured: .server(Self.server(2), east, user: nil), source: .configuration)
        #expect(edited == .replaced(former: [Self.server(1).ringID], namesGone: []))
        #expect(ring.realm == east && ring.server.keys.map(\.key) == [Self.server(2)])
        #expect(ring.entry(laptop) != nil)
    }

    @Test func `a shared string gives the server's key and the key of default, and follows a rotation as a server's`()
        throws
    {
        let configured = TunnelKey.server(Self.server(1), .none, user: Self.user(1))
        var ring = KeyRing(configured: configured, source: .configuration)
        #expect(ring.entry(.configured)?.v2.current?.key == Self.user(1))
        #expect(ring.configuration(like: configured) == configured)
        try ring.rotate(.configured, to: Self.user(2), grace: Self.day, now: Self.now)
        #expect(ring.configuration(like: configured) == .server(Self.server(1), .none, user: nil))
        // Another shared string takes its user from a name that had it.
        let laptop = try KeyRingTests.name("laptop")
        try ring.add(laptop, Self.user(3), now: Self.now)
        let next = ring.adopt(configured: .server(Self.server(2), .none, user: Self.user(3)), source: .configuration)
        let former = [Self.user(2), Self.user(1)].map(\.ringID) + [Self.server(1).ringID]
        #expect(next == .replaced(former: former, namesGone: [laptop]))
        #expect(ring.entries.map(\.name) == [.configured])
    }

    @Test func `a server key that was made beside a configured key of version 1 outlives an edit of that`() throws {
        var ring = try KeyRingTests.ring()
        try ring.rotateServerKey(to: Self.server(1), grace: .zero, now: Self.now)
        _ = ring.adopt(configured: .v1(try KeyRingTests.key(2)), source: .configuration)
        #expect(ring.server.current?.key == Self.server(1))
        // One that the configuration gave goes with it.
        var other = try Self.ring(realm: "east")
        let v1 = TunnelKey.v1(try KeyRingTests.key(2))
        let adoption = other.adopt(configured: v1, source: .configuration)
        #expect(adoption == .replaced(former: [Self.server(1).ringID], namesGone: []))
        #expect(other == KeyRing(configured: v1, source: .configuration))
    }

    @Test func `a client sends what it was given last, of whatever version`() throws {
        var ring = try Self.clientRing()
        let first = try #require(ring.sending)
        let v1 = TunnelKey.v1(try KeyRingTests.key(1))
        #expect(Self.problem { () throws(KeyRing.Problem) in try ring.send(first, now: Self.now) } == .keyIsCurrent)
        try ring.send(v1, now: Self.now)
        #expect(ring.sending == v1 && ring.peer == nil && ring.entries.count == 1)
        #expect(ring.adopt(configured: first, source: .credential) == .stands)
        #expect(ring.sending == v1 && ring.configuration(like: first) == v1)
        try ring.send(first, now: Self.now)
        #expect(ring.sending == first && ring.entry(.configured)?.v1.isEmpty == true)
        ring.keepConfigured(v1, source: .configuration)
        #expect(ring.sending == first)
        #expect(ring.serverKeys(now: Self.now) == nil)
    }

    // MARK: Bounds

    @Test func `ten thousand users are looked up, rotated, stored and loaded by their number, and more are bounded`()
        throws
    {
        var ring = try Self.ring()
        let names = try (0..<10_000).map { try KeyRingTests.name("user-\($0)") }
        for name in names { try ring.add(name, UserKey.random(), now: Self.now) }
        let last = try #require(ring.entry(names[9_999])?.v2.current)
        #expect(ring.users.count == 10_000 && ring.name(of: last.id) == names[9_999])
        try ring.rotate(names[9_999], to: UserKey.random(), grace: Self.day, now: Self.now)
        #expect(ring.users.count == 10_001 && ring.names.count == 10_001 && ring.entries.count == 10_000)
        #expect(ring.users.user(last.key.id, at: Self.wire(Self.now))?.name == names[9_999])

        let bytes = KeyRingCodec.encode(ring)
        #expect(bytes.count < 10_002 * 200)
        let loaded = try KeyRingCodec.decode(bytes)
        #expect(loaded.names == ring.names && loaded.entries.count == 10_000)
        // None of them is tried with a request of version 1.
        #expect(loaded.liveKeys.isEmpty)
        #expect(KeyRingBounds.users > 10_000 && KeyRingBounds.userKeys * 200 < KeyRingBounds.fileSize)
    }

    @Test func `a name has so many former keys, and those that are only remembered give way`() throws {
        var ring = try Self.ring()
        let laptop = try KeyRingTests.name("laptop")
        try ring.add(laptop, Self.user(0), now: Self.now)
        for number in 1...UInt8(KeyRingBounds.previous) {
            try ring.rotate(laptop, to: Self.user(number), grace: Self.day, now: Self.now)
        }
        let next = Self.user(200)
        let before = ring
        #expect(
            Self.problem { () throws(KeyRing.Problem) in
                try ring.rotate(laptop, to: next, grace: Self.day, now: Self.now)
            } == .tooManyKeys(most: KeyRingBounds.userKeys))
        #expect(ring == before)
        try ring.rotate(laptop, to: next, grace: Self.day, now: Self.now + Self.day)
        #expect(ring.entry(laptop)?.v2.count == 2)
        try ring.rotate(laptop, to: Self.user(201), grace: .zero, now: Self.now + Self.day)
        #expect(ring.entry(laptop)?.v2.count == 1)
    }

    @Test func `nothing that describes a ring of version 2 shows a key`() throws {
        var ring = try Self.ring(user: Self.user(66))
        try ring.rotateServerKey(to: Self.server(65), grace: Self.day, now: Self.now)
        var shown =
            "\(ring) \(String(reflecting: ring)) \(ring.users) \(String(describing: ring.serverKeys(now: Self.now)))"
        shown += "\(String(describing: ring.clientKey(of: .configured)))"
        dump(ring, to: &shown)
        dump(ring.users, to: &shown)
        #expect(shown.contains("<key>") && !shown.contains("65, 65") && !shown.contains("66, 66"))
    }
}
