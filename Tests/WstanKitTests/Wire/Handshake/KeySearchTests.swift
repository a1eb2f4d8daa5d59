import Testing

@testable import WstanBase
@testable import WstanCore

/// One key among many.
@Suite struct KeySearchTests {
    private static let keys: [Key] = (0..<300).compactMap { number in
        Key(text: Base64.encode([UInt8(number & 255), UInt8(number >> 8)] + [UInt8](repeating: 5, count: 14)))
    }
    private static func server(_ mode: HandshakeModeV1) -> [ServerHandshake] {
        [.v1(ServerHandshakeV1(mode: mode, keys: keys.map { ServerHandshakeV1.AcceptedKey($0) }))]
    }

    /// In base64 they begin with no capital letter, which a key's cookie may rule out.
    private static let nonces = [Nonce(high: 0x99 << 56, low: 1), Nonce(high: 0x9d << 56, low: 2)]

    private static func opening(bytes: Int = 3) -> Opening {
        .request(
            Request(
                time: HandshakePair.now, target: HandshakePair.target, data: [UInt8](repeating: 7, count: bytes)))
    }

    @Test(arguments: HandshakePair.modes)
    func `a request is opened whichever key of many it was made with, also a large one`(mode: HandshakeModeV1) throws {
        let server = Self.server(mode)
        for place in [0, 1, 3, 4, 15, 16, 17, 150, 299] {
            for bytes in [3, 60_000] {
                let key = Self.keys[place]
                let pair = HandshakePair(key: key, mode: mode)
                let head = try HTTPHead(pair.client(Self.opening(bytes: bytes), nonces: Self.nonces).request)
                let candidate = try #require(try server.judge(head), "\(place) \(bytes)")
                #expect(candidate.keyID == key.id)
                #expect(candidate.opening == Self.opening(bytes: bytes))
            }
        }
    }

    @Test(arguments: HandshakePair.modes)
    func `a stranger's request is refused, in pieces that are no larger than what is allowed`(
        mode: HandshakeModeV1
    ) throws {
        let stranger = try #require(Key(text: "correct horse battery staple"))
        let client = HandshakePair(key: stranger, mode: mode).client(Self.opening(), nonces: Self.nonces)
        let request = try #require(ServerHandshake.Request(try HTTPHead(client.request)))
        // In compatible mode the stranger's letter is that of a twenty-sixth of the keys, or of none.
        var trial = HandshakeTrial(of: request, by: Self.server(mode))
        var pieces = 0
        var refusal: WireError?
        searching: while true {
            var budget = 4096
            do throws(WireError) {
                switch try trial.go(on: &budget) {
                case .more: pieces += 1
                case .notARequest: break searching
                case .found: Issue.record("found")
                }
            } catch {
                refusal = error
                break
            }
            #expect(budget > -1024)
        }
        #expect(refusal == .badAuthentication || mode.isCompatible && refusal == nil)
        // With a cipher all but the first are passed over at a glance.
        if !mode.isCompatible { #expect(mode.usesCipher ? pieces <= 2 : pieces >= 25) }
    }

    /// The first tags are made in any case: what the right key makes unreadable has to be told from what no key has made.
    @Test func `a request for the other scheme is known by the first of many keys`() throws {
        let sealed = HandshakePair(key: Self.keys[2], mode: HandshakeModeV1(usesCipher: false))
        let head = try HTTPHead(sealed.client(Self.opening()).request)
        #expect(throws: WireError.sealedForOtherScheme) {
            try Self.server(HandshakeModeV1(usesCipher: true)).judge(head)
        }
    }

    @Test func `a glance passes every command and any time that a clock may show`() throws {
        let key = Self.keys[7]
        let glance = KeyGlance(key: key)
        let nonce = Nonce(high: 99, low: 1)
        func sealed(_ command: UInt8, _ time: Double) -> [UInt8] {
            var message = [command]
            message.append(integer: time.bitPattern)
            message += [UInt8](repeating: 1, count: 30)
            KeyStream(key: key, nonce: nonce).apply(to: &message)
            return message
        }
        for command in UInt8(0)...3 {
            for time in [1, 1000, 86_400, 1_763_683_200, 1_763_683_200.25, 4_102_444_800] {
                #expect(sealed(command, time).withUnsafeBytes { glance.allows($0, under: nonce.bytes) })
            }
        }
        let others: [(UInt8, Double)] = [
            (4, 1_763_683_200), (0, 0), (0, -1), (0, .nan), (0, 1e10), (0, .infinity),
        ]
        for (command, time) in others {
            #expect(!sealed(command, time).withUnsafeBytes { glance.allows($0, under: nonce.bytes) })
        }
        #expect(![UInt8]().withUnsafeBytes { glance.allows($0, under: nonce.bytes) })
        var random = SeededRandomness(seed: 5)
        let passed = (0..<20_000).count { _ in
            random.bytes(30).withUnsafeBytes { glance.allows($0, under: nonce.bytes) }
        }
        #expect(passed < 20)
    }
}

@Suite struct ServerKeysTests {
    private static func source(_ text: String) throws -> ClientAddress.Source {
        try #require(ClientAddress(text: text)).source
    }

    @Test func `keys are tried in the order of their last use, and a source's own key first`() throws {
        let live = (0..<5).map { _ in LiveKey(key: Key.random()) }
        let ids = live.map(\.key.id)
        let keys = ServerKeys(live)
        func order(_ source: ClientAddress.Source? = nil) -> [Int] {
            keys.live(at: 1, for: source).compactMap { ids.firstIndex(of: $0.authenticator.keyID) }
        }
        #expect(order() == [0, 1, 2, 3, 4])
        keys.used(ids[3], now: 1, by: try Self.source("192.0.2.1"))
        keys.used(ids[1], now: 1, by: try Self.source("192.0.2.2"))
        #expect(order() == [1, 3, 0, 2, 4])
        #expect(order(try Self.source("192.0.2.1:99")).first == 3)
        #expect(Set(order(try Self.source("192.0.2.1"))).count == 5)
        #expect(order(try Self.source("192.0.2.3")) == [1, 3, 0, 2, 4])
        // A new one comes first, and what was known of the others stays; one that has gone is no source's any more.
        let new = LiveKey(key: Key.random())
        keys.install([live[0], live[1], live[4], new])
        #expect(keys.live(at: 1).first?.authenticator.keyID == new.key.id)
        #expect(order() == [1, 0, 4])
        #expect(order(try Self.source("192.0.2.1")) == [1, 0, 4])
        #expect(!keys.accepts(ids[3], now: 1))
    }

    @Test func `a key ends on time`() {
        let live = LiveKey(key: Key.random(), expiry: CalendarTime(seconds: 10))
        let keys = ServerKeys([LiveKey(key: Key.random()), live])
        #expect(keys.live(at: 9).count == 2)
        #expect(keys.live(at: 10).count == 1)
        #expect(keys.accepts(live.key.id, now: 9.9))
        #expect(!keys.accepts(live.key.id, now: 10))
        #expect(!keys.accepts(live.key.id, now: .nan))
    }
}
