@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A file that holds a ring is the one text of that ring; everything else is refused, also when its digest is right.
    static let keyRing = FuzzTarget("key-ring", seeds: keyRingSeeds, maxLength: 2048) { input in
        let body = input.rest()
        for bytes in [body, ChecksumLine.append(to: body)] {
            guard let ring = try? KeyRingCodec.decode(bytes) else { continue }
            require(KeyRingCodec.encode(ring) == bytes, "one text for one ring")
            require(!ring.liveKeys.isEmpty, "there is a key")
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
    ].map { Array($0.utf8) }

    /// Whatever is done to a ring, it is a ring, and is read as it was written.
    static let keyRingScript = FuzzTarget(
        "key-ring-script",
        seeds: [
            [0, 1, 1, 1, 1, 2, 9, 2, 1, 3, 200, 4, 3], [1, 0, 3, 5, 1, 0, 4, 5, 2, 3, 4, 7, 0, 1, 5], [5, 1, 2, 2, 3],
        ]
    ) { input in
        func key(_ number: UInt8) -> Key {
            guard let key = Key(bytes: Array(repeating: number, count: 16)) else { fatalError("16 bytes are a key") }
            return key
        }
        let names = [KeyName.configured] + ["a", "b", "c"].compactMap { KeyName($0) }
        var ring = KeyRing(configured: key(0), source: .configuration)
        var now = CalendarTime(microseconds: 1_763_683_200_000_000)
        while !input.isOver {
            let step = input.below(6)
            let number = input.byte() % 32
            switch step {
            case 0: try? ring.add(input.choice(of: names), key(number), now: now)
            case 1:
                let grace = Duration.seconds(Int(input.byte()) - 8)
                try? ring.rotate(input.choice(of: names), to: key(number), grace: grace, now: now)
            case 2: try? ring.retire(key(number).id)
            case 3: now = now + .seconds(Int(number))
            case 4: ring.expire(now: now)
            default:
                _ = ring.adopt(configured: key(number), source: .credential)
                require(ring.origin == key(number).id, "it has grown from there")
            }
            require(KeyRing(entries: ring.entries, origin: ring.origin) == ring, "still a ring")
            require((try? KeyRingCodec.decode(KeyRingCodec.encode(ring))) == ring, "read as written")
            let live = ring.liveKeys
            require(live.first?.expiry == nil, "a current one comes first")
            let expiries = live.drop { $0.expiry == nil }.map { $0.expiry?.microseconds ?? 0 }
            require(expiries == expiries.sorted(by: >), "then those that last longest")
        }
    }
}
