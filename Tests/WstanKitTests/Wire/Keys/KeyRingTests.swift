import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct KeyRingTests {
    static let now = CalendarTime(microseconds: 1_763_683_200_000_000)
    static let day: Duration = .seconds(86_400)

    static func key(_ number: Int) throws -> Key {
        try #require(Key(bytes: (0..<16).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 2))) }))
    }

    static func name(_ text: String) throws -> KeyName { try #require(KeyName(text)) }

    static func ring() throws -> KeyRing { KeyRing(configured: .v1(try key(1)), source: .configuration) }

    private static func problem(_ body: () throws(KeyRing.Problem) -> Void) -> KeyRing.Problem? {
        do throws(KeyRing.Problem) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: Names and ids

    @Test(arguments: [
        ("default", true), ("a", true), ("laptop-2.office_B", true), (String(repeating: "x", count: 64), true),
        (String(repeating: "x", count: 65), false), ("", false), ("a b", false), ("ä", false), ("a/b", false),
        ("a\n", false),
        ("a\u{301}", false), ("a:b", false), ("a\0", false),
    ])
    func `a name is letters, digits, dots, dashes and underscores`(text: String, isGood: Bool) {
        #expect(KeyName(text)?.text == (isGood ? text : nil))
    }

    /// The values were computed by another program.
    @Test func `an id follows from the key and is read as it is written`() throws {
        let key = try #require(Key(text: "WY+yKqwlAlxSubNXVLrJsw=="))
        #expect(key.id.description == "ea8b9d9b31290110")
        #expect(try #require(Key(bytes: (0..<16).map { UInt8($0) })).id.description == "4d75c07e2f43510e")
        #expect(KeyID(text: "ea8b9d9b31290110") == key.id)
        for text in [
            "", "ea8b9d9b3129011", "EA8B9D9B31290110", "ea8b9d9b312901100", "+a8b9d9b31290110", "ea8b9d9b3129011é",
        ] {
            #expect(KeyID(text: text) == nil)
        }
        #expect(KeyID(text: "000000000000000f")?.description == "000000000000000f")
    }

    @Test func `nothing that describes a ring shows a key`() throws {
        let ring = try Self.ring()
        let key = try Self.key(1)
        for text in ["\(ring)", String(reflecting: ring), "\(ring.liveKeys)", "\(ring.entries)"] {
            #expect(text.contains("<key>"))
            #expect(!text.contains(key.base64))
            #expect(!text.contains("\(key.bytes)"))
        }
        var dumped = ""
        dump(ring, to: &dumped)
        #expect(dumped.contains("<key>") && !dumped.contains("SecretBytes"))
    }

    // MARK: Rotation

    @Test func `the configured key is the key of default`() throws {
        let ring = try Self.ring()
        #expect(ring.liveKeys == [LiveKey(key: try Self.key(1))])
        #expect(ring.current(of: .configured)?.source == .configuration)
        #expect(ring.current(of: .configured)?.created == nil)
        #expect(ring.origin == (try Self.key(1)).id)
        #expect(ring.name(of: try Self.key(1).id) == .configured)
        #expect(ring.name(of: try Self.key(2).id) == nil)
        #expect(ring.nextExpiry == nil)
    }

    @Test func `the former key lasts for its grace, and the current ones are tried first`() throws {
        var ring = try Self.ring()
        let laptop = try Self.name("laptop")
        try ring.add(laptop, try Self.key(2), now: Self.now)
        try ring.rotate(.configured, to: try Self.key(3), grace: Self.day, now: Self.now)
        try ring.rotate(laptop, to: try Self.key(4), grace: Self.day * 2, now: Self.now)
        try ring.rotate(.configured, to: try Self.key(5), grace: Self.day * 3, now: Self.now)
        let keys = try [5, 4, 3, 2, 1].map { try Self.key($0) }
        #expect(ring.liveKeys.map(\.key) == keys)
        #expect(ring.liveKeys.map(\.expiry) == [nil, nil] + [3, 2, 1].map { Self.now + Self.day * $0 })
        #expect(ring.nextExpiry == Self.now + Self.day)
        #expect(ring.current(of: laptop)?.created == Self.now)
        #expect(ring.current(of: laptop)?.source == .state)

        let change1 = ring.expire(now: CalendarTime(microseconds: (Self.now + Self.day).microseconds - 1))
        #expect(!change1)
        let change2 = ring.expire(now: Self.now + Self.day)
        #expect(change2)
        #expect(ring.liveKeys.map(\.key) == Array(keys.dropLast()))
        let change3 = ring.expire(now: Self.now + Self.day * 100)
        #expect(change3)
        #expect(ring.liveKeys.map(\.key) == Array(keys.prefix(2)))
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(Int64.min)])
    func `without grace the former key is gone at once`(grace: Duration) throws {
        var ring = try Self.ring()
        try ring.rotate(.configured, to: try Self.key(2), grace: grace, now: Self.now)
        #expect(ring.liveKeys == [LiveKey(key: try Self.key(2))])
    }

    @Test(arguments: [Duration.zero, .seconds(-1)])
    func `without grace the keys of former rotations are gone too, and those of other names stay`(grace: Duration) throws {
        var ring = try Self.ring()
        let laptop = try Self.name("laptop")
        try ring.add(laptop, try Self.key(10), now: Self.now)
        try ring.rotate(laptop, to: try Self.key(11), grace: Self.day, now: Self.now)
        for number in 2...4 {
            try ring.rotate(.configured, to: try Self.key(number), grace: Self.day, now: Self.now)
        }
        try ring.rotate(.configured, to: try Self.key(5), grace: grace, now: Self.now)
        #expect(ring.entry(.configured)?.v1.keys.map(\.key) == [try Self.key(5)])
        #expect(ring.entry(laptop)?.v1.keys.map(\.key) == [try Self.key(11), try Self.key(10)])
    }

    @Test func `a grace without end ends`() throws {
        var ring = try Self.ring()
        try ring.rotate(.configured, to: try Self.key(2), grace: .seconds(Int64.max), now: Self.now)
        #expect(ring.nextExpiry == Self.now + KeyRingBounds.grace)
    }

    @Test func `a former key may come back, and is not there twice`() throws {
        var ring = try Self.ring()
        try ring.rotate(.configured, to: try Self.key(2), grace: Self.day, now: Self.now)
        try ring.rotate(.configured, to: try Self.key(1), grace: Self.day, now: Self.now)
        #expect(ring.liveKeys.map(\.key) == (try [1, 2].map { try Self.key($0) }))
    }

    @Test func `a key has one name, and a name has one current key`() throws {
        var ring = try Self.ring()
        let laptop = try Self.name("laptop")
        let before = ring
        let (first, second) = (try Self.key(1), try Self.key(2))
        #expect(
            Self.problem { () throws(KeyRing.Problem) in try ring.add(laptop, first, now: Self.now) }
                == .keyTaken(by: .configured))
        #expect(
            Self.problem { () throws(KeyRing.Problem) in try ring.add(.configured, second, now: Self.now) }
                == .nameTaken)
        #expect(
            Self.problem { () throws(KeyRing.Problem) in
                try ring.rotate(.configured, to: first, grace: Self.day, now: Self.now)
            } == .keyIsCurrent)
        #expect(
            Self.problem { () throws(KeyRing.Problem) in
                try ring.rotate(laptop, to: second, grace: Self.day, now: Self.now)
            } == .noSuchName)
        #expect(ring == before)
        try ring.add(laptop, second, now: Self.now)
        #expect(
            Self.problem { () throws(KeyRing.Problem) in
                try ring.rotate(.configured, to: second, grace: Self.day, now: Self.now)
            } == .keyTaken(by: laptop))
    }

    // MARK: Retirement

    @Test func `a retired key is gone, and with its last key a name`() throws {
        var ring = try Self.ring()
        let laptop = try Self.name("laptop")
        try ring.add(laptop, try Self.key(2), now: Self.now)
        try ring.rotate(laptop, to: try Self.key(3), grace: Self.day, now: Self.now)
        try ring.retire(try Self.key(3).id)
        #expect(ring.liveKeys.map(\.key) == (try [1, 2].map { try Self.key($0) }))
        #expect(ring.current(of: laptop) == nil)
        #expect(ring.entry(laptop) != nil)
        var other = ring
        try ring.retire(try Self.key(2).id)
        #expect(ring.entry(laptop) == nil)
        // The same by time, and a name without a current key can get one.
        other.expire(now: Self.now + Self.day)
        #expect(other == ring)
        try other.add(laptop, try Self.key(2), now: Self.now)
        let (third, fourth) = (try Self.key(3).id, try Self.key(4).id)
        for id in [third, fourth] {
            #expect(Self.problem { () throws(KeyRing.Problem) in try ring.retire(id) } == .noSuchKey)
        }
    }

    @Test func `the only current key stays, since without one nobody could connect`() throws {
        var ring = try Self.ring()
        try ring.rotate(.configured, to: try Self.key(2), grace: Self.day, now: Self.now)
        let before = ring
        let (first, second) = (try Self.key(1).id, try Self.key(2).id)
        #expect(Self.problem { () throws(KeyRing.Problem) in try ring.retire(second) } == .isOnlyCurrentKey)
        #expect(ring == before)
        try ring.retire(first)
        try ring.add(try Self.name("a"), try Self.key(3), now: Self.now)
        try ring.retire(second)
        #expect(ring.liveKeys.map(\.key) == [try Self.key(3)])
    }

    // MARK: Bounds

    @Test func `names and keys are bounded, and the configured key fits in at any time`() throws {
        var ring = try Self.ring()
        for number in 2...KeyRingBounds.names {
            try ring.add(try Self.name("n\(number)"), try Self.key(number), now: Self.now)
        }
        let key = try Self.key(5000)
        let extra = try Self.name("extra")
        #expect(Self.problem { () throws(KeyRing.Problem) in try ring.add(extra, key, now: Self.now) } == .tooManyNames(most: KeyRingBounds.names))

        var number = 6000
        var rotations = 0
        var last: KeyRing.Problem?
        for name in ring.entries.map(\.name) where last == nil {
            for count in 1...(KeyRingBounds.previous + 1) {
                number += 1
                let next = try Self.key(number)
                let problem = Self.problem { () throws(KeyRing.Problem) in
                    try ring.rotate(name, to: next, grace: Self.day, now: Self.now)
                }
                guard let problem else {
                    rotations += 1
                    continue
                }
                #expect(problem == .tooManyKeys(most: KeyRingBounds.keys))
                // The first ones end by their own bound, then the ring's.
                if count <= KeyRingBounds.previous { last = problem }
                break
            }
        }
        #expect(last == .tooManyKeys(most: KeyRingBounds.keys))
        #expect(ring.liveKeys.count == KeyRingBounds.keys - 1)
        #expect(rotations == KeyRingBounds.keys - 1 - KeyRingBounds.names)
        // It can be stored, with another configured key too.
        try ring.retire(try #require(ring.current(of: .configured)).id)
        while let old = ring.entry(.configured)?.v1.previous.first { try ring.retire(old.id) }
        _ = ring.adopt(configured: .v1(try Self.key(20_000)), source: .configuration)
        #expect(ring.entries.count == KeyRingBounds.names)
        let bytes = KeyRingCodec.encode(ring)
        #expect(bytes.count < KeyRingBounds.fileSize)
        #expect(try KeyRingCodec.decode(bytes) == ring)
    }

    // MARK: The configured key

    @Test func `what was rotated counts as long as the configuration is the same`() throws {
        var ring = try Self.ring()
        try ring.rotate(.configured, to: try Self.key(2), grace: Self.day, now: Self.now)
        let rotated = ring
        #expect(ring.adopt(configured: .v1(try Self.key(1)), source: .configuration) == .stands)
        #expect(ring == rotated)
        // A retired one does not come back either.
        try ring.retire(try Self.key(1).id)
        #expect(ring.adopt(configured: .v1(try Self.key(1)), source: .configuration) == .stands)
        #expect(ring.liveKeys.map(\.key) == [try Self.key(2)])
    }

    @Test func `a configuration that follows the ring changes nothing, by hand or by us`() throws {
        var ring = try Self.ring()
        try ring.rotate(.configured, to: try Self.key(2), grace: Self.day, now: Self.now)
        var followed = ring
        followed.configurationFollowed(.v1(try Self.key(2)), source: .credential)
        #expect(ring.adopt(configured: .v1(try Self.key(2)), source: .credential) == .stands)
        #expect(ring == followed)
        #expect(ring.origin == (try Self.key(2)).id)
        #expect(ring.liveKeys.count == 2)
        #expect(ring.current(of: .configured)?.source == .credential)
        #expect(ring.current(of: .configured)?.created == Self.now)
        // From here on the first one in the configuration would be an edit.
        #expect(
            ring.adopt(configured: .v1(try Self.key(1)), source: .configuration)
                == .replaced(former: [try Self.key(2).id], namesGone: []))
    }

    @Test func `an edited configuration wins over the keys of default, and over nothing else`() throws {
        var ring = try Self.ring()
        let (laptop, phone) = (try Self.name("laptop"), try Self.name("phone"))
        try ring.rotate(.configured, to: try Self.key(2), grace: Self.day, now: Self.now)
        try ring.add(laptop, try Self.key(3), now: Self.now)
        try ring.add(phone, try Self.key(4), now: Self.now)
        try ring.rotate(phone, to: try Self.key(5), grace: Self.day, now: Self.now)
        var other = ring
        #expect(
            ring.adopt(configured: .v1(try Self.key(9)), source: .configuration)
                == .replaced(former: [try Self.key(2).id, try Self.key(1).id], namesGone: []))
        #expect(ring.liveKeys.map(\.key) == (try [9, 3, 5, 4].map { try Self.key($0) }))
        #expect(ring.origin == (try Self.key(9)).id)
        // One that was somebody else's.
        #expect(
            other.adopt(configured: .v1(try Self.key(3)), source: .configuration)
                == .replaced(former: [try Self.key(2).id, try Self.key(1).id], namesGone: [laptop]))
        #expect(other.liveKeys.map(\.key) == (try [3, 5, 4].map { try Self.key($0) }))
        #expect(other.entry(laptop) == nil)
    }

    @Test func `a client has the configured key even if the ring was a server's`() throws {
        var ring = try Self.ring()
        ring.keepConfigured(.v1(try Self.key(7)), source: .configuration)
        #expect(ring == (try Self.ring()))
        try ring.add(try Self.name("a"), try Self.key(2), now: Self.now)
        try ring.retire(try Self.key(1).id)
        ring.keepConfigured(.v1(try Self.key(1)), source: .configuration)
        #expect(ring.current(of: .configured)?.key == (try Self.key(1)))
    }

    // MARK: Time

    @Test func `calendar time is clamped, and no number is the end of it`() {
        #expect(CalendarTime(seconds: 1.5).microseconds == 1_500_000)
        #expect(CalendarTime(seconds: .nan).microseconds == .max)
        #expect(CalendarTime(seconds: .infinity).microseconds == .max)
        #expect(CalendarTime(seconds: -1e300).microseconds == .min)
        #expect((CalendarTime(microseconds: .max) + .seconds(1)).microseconds == .max)
        #expect((CalendarTime(microseconds: 0) + .seconds(Int64.max)).microseconds == .max)
        #expect((CalendarTime(microseconds: 0) + .seconds(Int64.min)).microseconds == .min)
        #expect((CalendarTime(microseconds: 5) + .milliseconds(1)).microseconds == 1005)
    }

    @Test func `uses are added up`() {
        var use = KeyUse()
        use.count(at: CalendarTime(microseconds: 7))
        // A clock that was set back tells of no earlier last time.
        use.count(at: CalendarTime(microseconds: 5))
        #expect(use == KeyUse(count: 2, last: CalendarTime(microseconds: 7)))
        #expect(use + KeyUse() == use)
        #expect(KeyUse() + KeyUse() == KeyUse())
        #expect((use + KeyUse(count: 1, last: CalendarTime(microseconds: 9))).last?.microseconds == 9)
    }
}
