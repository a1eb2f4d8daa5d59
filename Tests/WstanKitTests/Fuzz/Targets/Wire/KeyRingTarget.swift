@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A file that holds a ring is the one text of that ring; everything else is refused, also when its digest is right.
    static let keyRing = FuzzTarget("key-ring", seeds: keyRingSeeds, maxLength: 2048) { input in
        let body = input.rest()
        for bytes in [body, ChecksumLine.append(to: body)] {
            guard let ring = try? KeyRingCodec.decode(bytes) else { continue }
            require(KeyRingCodec.encode(ring) == bytes, "one text for one ring")
            require(!ring.liveKeys.isEmpty || ring.holdsV2, "there is a key")
        }
    }

    private static let keyRingSeeds: [[UInt8]] = [
        "wstan key ring 1\norigin ea8b9d9b31290110\ndefault current configuration - - WY+yKqwlAlxSubNXVLrJsw==\n",
        """
        wstan key ring 1
        origin 0000000000000001
        default current state 17 - AAECAwQFBgcICQoLDA0ODw==
        default previous credential - 99 WY+yKqwlAlxSubNXVLrJsw==
        a.b previous state -1 9223372036854775807 AAAAAAAAAAAAAAAAAAAAAA==

        """,
        """
        wstan key ring 2
        origin 0000000000000001
        realm ZWFzdA
        server current state 17 - AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        server previous configuration - 99 AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        v1 default current state 17 - AAECAwQFBgcICQoLDA0ODw==
        v2 default current state 17 - AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

        """,
        """
        wstan key ring 2
        origin 0000000000000001
        peer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        v2 default current configuration - - AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

        """,
    ].map { Array($0.utf8) }

    /// Whatever is done to a ring, it is a ring, and is read as it was written.
    static let keyRingScript = FuzzTarget(
        "key-ring-script",
        seeds: [
            [0, 1, 1, 1, 1, 2, 9, 2, 1, 3, 200, 4, 3], [1, 0, 3, 5, 1, 0, 4, 5, 2, 3, 4, 7, 0, 1, 5], [5, 1, 2, 2, 3],
            [8, 1, 200, 6, 2, 1, 7, 3, 200, 1, 8, 4, 9, 2, 1, 9, 5, 3, 255, 4, 0],
        ]
    ) { input in
        func key(_ number: UInt8) -> Key {
            guard let key = Key(bytes: Array(repeating: number, count: 16)) else { fatalError("16 bytes are a key") }
            return key
        }
        func secret(_ number: UInt8) -> SecretBytes { SecretBytes([UInt8](repeating: number, count: 32)) }
        func user(_ number: UInt8) -> UserKey { UserKey(secret: secret(number)) }
        let names = [KeyName.configured] + ["a", "b", "c"].compactMap { KeyName($0) }
        var ring = KeyRing(configured: .v1(key(0)), source: .configuration)
        var now = CalendarTime(microseconds: 1_763_683_200_000_000)
        while !input.isOver {
            let step = input.below(10)
            let number = input.byte() % 32
            switch step {
            case 0: try? ring.add(input.choice(of: names), key(number), now: now)
            case 1:
                let grace = Duration.seconds(Int(input.byte()) - 8)
                try? ring.rotate(input.choice(of: names), to: key(number), grace: grace, now: now)
            case 2: try? ring.retire(key(number).id)
            case 3: now = now + .seconds(Int(number))
            case 4: ring.expire(now: now)
            case 6: try? ring.add(input.choice(of: names), user(number), now: now)
            case 7:
                let grace = Duration.seconds(Int(input.byte()) - 8)
                try? ring.rotate(input.choice(of: names), to: user(number), grace: grace, now: now)
            case 8:
                let grace = Duration.seconds(Int(input.byte()) - 8)
                try? ring.rotateServerKey(to: ServerKey(privateKey: secret(number)), grace: grace, now: now)
            case 9:
                let configured = TunnelKey.server(ServerKey(privateKey: secret(number)), .none, user: user(number))
                _ = ring.adopt(configured: configured, source: .configuration)
                require(
                    ring.origin == configured.id && ring.configuration(like: configured) == configured,
                    "it has grown from there")
            default:
                _ = ring.adopt(configured: .v1(key(number)), source: .credential)
                require(ring.origin == key(number).id, "it has grown from there")
            }
            let again = KeyRing(
                entries: ring.entries, server: ring.server, peer: ring.peer, realm: ring.realm, origin: ring.origin)
            require(again == ring, "still a ring")
            require(ring.users.count == ring.entries.reduce(0) { $0 + $1.v2.count }, "every user is found")
            require((try? KeyRingCodec.decode(KeyRingCodec.encode(ring))) == ring, "read as written")
            let live = ring.liveKeys
            require(live.first?.expiry == nil || ring.holdsV2, "a current one comes first")
            let expiries = live.drop { $0.expiry == nil }.map { $0.expiry?.microseconds ?? 0 }
            require(expiries == expiries.sorted(by: >), "then those that last longest")
        }
    }
}
