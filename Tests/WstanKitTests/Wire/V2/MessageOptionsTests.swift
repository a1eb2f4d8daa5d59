import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct MessageOptionsTests {
    private static func read(_ bytes: [UInt8]) throws(Violation) -> Options {
        try bytes.withBytes { (bytes) throws(Violation) in
            var reader = ByteReader(bytes)
            let options = try Options.read(&reader)
            guard reader.remaining == 0 else { throw .trailingBytes }
            return options
        }
    }

    private static func list(_ entries: [(UInt16, [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (type, value) in entries {
            bytes.append(integer: type)
            bytes.append(integer: UInt16(value.count))
            bytes += value
        }
        var whole: [UInt8] = []
        whole.append(integer: UInt16(bytes.count))
        return whole + bytes
    }

    private static func fault(_ entries: [(UInt16, [UInt8])]) -> Violation? {
        do {
            _ = try read(list(entries))
            return nil
        } catch {
            return error
        }
    }

    /// A value of this length that means something.
    private static func value(_ type: OptionType, _ count: Int) -> [UInt8] {
        switch (type, count) {
        case (.record, 4): [0, 1, 2, 0]
        case (.peer, 1): [0]
        case (.netAddress, 6), (.netRoute, 6): [4, 24, 10, 0, 0, 0]
        case (.dns, 5): [4, 10, 0, 0, 1]
        default: [UInt8](repeating: 1, count: count)
        }
    }

    @Test func `each option has the lengths of the table and no others`() {
        let lengths: [OptionType: Set<Int>] = [
            .ciphers: Set(1...16), .features: [4], .record: [4], .kem: [1184, 1088], .binding: [32],
            .agent: Set(1...32), .timers: [8],
            .pool: [2], .expiry: [8], .notice: Set(0...255), .shape: Set(stride(from: 0, through: 64, by: 4)),
            .serverKey: [32],
            .userKey: [32], .resumable: [4, 22], .received: [8], .token: [16], .listenKind: [1], .listener: [8],
            .peer: [1, 7], .want: [1],
            .netKind: [1], .netAddress: [0, 6], .netRoute: [0, 6], .mtu: [2], .dns: [0, 5], .mac: [6], .fullCone: [0],
            .lazy: [0],
            .instance: [16], .takeover: [0], .limit: [2], .attempt: [4], .stripe: [1],
        ]
        #expect(Set(lengths.keys) == Set(OptionType.allCases))
        for type in OptionType.allCases {
            for count in 0...1200 {
                let isRight = lengths[type]?.contains(count) ?? false
                let fault = Self.fault([(type.rawValue, Self.value(type, count))])
                #expect((fault == nil) == isRight, "\(type) of \(count) bytes: \(String(describing: fault))")
            }
        }
    }

    @Test func `an option twice is a fault, one that is not known is none`() throws {
        #expect(Self.fault([(6, [97]), (6, [98])]) == .optionTwice)
        #expect(Self.fault([(6, [97]), (0x55, []), (6, [97])]) == .optionTwice)
        let options = try Self.read(Self.list([(0x55, [1]), (0x55, []), (2, [0, 0, 0, 1]), (0x7fff, [])]))
        #expect(options.entries.map(\.type) == [.features])
        #expect(options.unknownCritical == nil)
        #expect(options.features == .udp)
    }

    @Test func `one that must be known and is not is remembered, and faults come first`() throws {
        let options = try Self.read(Self.list([(0x8055, []), (6, [97]), (0x8001, [])]))
        #expect(options.unknownCritical == 0x8055)
        #expect(options.agent == "a")
        #expect(Self.fault([(0x8055, []), (2, [1])]) == .optionLength)
        // It is critical, and known.
        #expect(try Self.read(Self.list([(0x801e, [1])])).unknownCritical == nil)
    }

    @Test func `options are bounded and end where they say`() throws {
        // 2,048 bytes: eight of 256.
        let most = (0..<8).map { (UInt16(0x100 + $0), [UInt8](repeating: 0, count: 252)) }
        #expect(Self.fault(most) == nil)
        #expect(Self.fault(most + [(0x200, [])]) == .optionsTooLong)
        let bytes = Self.list([(2, [0, 0, 0, 1]), (6, [97, 98])])
        for count in 0..<bytes.count {
            #expect(throws: Violation.truncated) { try Self.read(Array(bytes[..<count])) }
        }
        for size in 1..<(bytes.count - 2) where size != 8 {
            #expect(throws: Violation.truncated) { try Self.read([0, UInt8(size)] + bytes[2..<(2 + size)]) }
        }
        #expect(try Self.read([0, 0]).isEmpty)
    }

    @Test(arguments: [
        (16_895, false), (16_896, true), (66_048, true), (66_049, false), (0, false), (Int(UInt32.max), false),
    ])
    func `RECORD has bounds`(size: Int, isRight: Bool) {
        var value: [UInt8] = []
        value.append(integer: UInt32(size))
        #expect(Self.fault([(3, value)]) == (isRight ? nil : .optionValue))
    }

    @Test func `addresses in options are whole ones`() throws {
        #expect(Self.fault([(0x15, [1, 127, 0, 0, 1, 0])]) == .truncated)
        #expect(Self.fault([(0x15, [0, 0])]) == .optionLength)
        #expect(Self.fault([(0x15, [9])]) == .addressType)
        #expect(
            try Self.read(Self.list([(0x15, [1, 127, 0, 0, 1, 0, 80])])).peer
                == .ipv4(IPv4Address(0x7f00_0001), port: 80))
        for type: UInt16 in [0x18, 0x19] {
            #expect(Self.fault([(type, [4, 33, 0, 0, 0, 0])]) == .optionValue)
            #expect(Self.fault([(type, [5, 0, 0, 0, 0, 0])]) == .optionValue)
            #expect(Self.fault([(type, [6, 129] + [UInt8](repeating: 0, count: 16))]) == .optionValue)
            #expect(Self.fault([(type, [6, 128] + [UInt8](repeating: 0, count: 16))]) == nil)
            #expect(Self.fault([(type, [6, 128] + [UInt8](repeating: 0, count: 15))]) == .optionLength)
        }
        #expect(Self.fault([(0x1b, [6] + [UInt8](repeating: 0, count: 16))]) == nil)
        #expect(Self.fault([(0x1b, [7])]) == .optionValue)
    }

    @Test func `what a server hints is clamped`() throws {
        func timers(_ bytes: [UInt8]) throws -> TunnelTimers { try Self.read(Self.list([(7, bytes)])).timers }
        #expect(
            try timers([0, 0, 0, 0, 0, 0, 0, 0])
                == TunnelTimers(ping: .seconds(5), idle: .seconds(10), life: .seconds(60)))
        #expect(
            try timers([255, 255, 255, 255, 255, 255, 255, 255])
                == TunnelTimers(ping: .seconds(45), idle: .seconds(3600), life: .seconds(4_294_967_295)))
        #expect(try timers([0, 25, 1, 44, 0, 1, 0x51, 0x80]) == .standard)
        #expect(Options().timers == .standard)
        #expect(Options().recordLimit == 66_048)
        #expect(Options().features == [])

        let shape = try Self.read(Self.list([(11, [0, 100, 1, 144, 0xff, 0xff, 0xff, 0xff, 0, 9, 0, 3])])).shape
        #expect(shape?.ranges == [100...400, 4096...4096, 3...3])
        #expect(try Self.read(Self.list([(8, [4, 2])])).pool == PoolHint(least: 4, most: 4))
        #expect(try Self.read(Self.list([(10, Array("caf\u{e9}\n\u{1b}[2J".utf8))])).notice == "caf\u{e9}[2J")
        #expect(try Self.read(Self.list([(6, Array("wstan/1\u{7}".utf8))])).agent == "wstan/1")
        let expiry = [UInt8](repeating: 0xff, count: 8)
        #expect(try Self.read(Self.list([(9, expiry)])).expiry == CalendarTime(microseconds: .max))
    }

    @Test func `what is set is read`() throws {
        var options = Options()
        options.set(TunnelTimers(ping: .seconds(30), idle: .seconds(200), life: .seconds(7200)))
        options.set(TrafficShape([(100, 400), (200, 900)]))
        options.set(Resumption(token: [UInt8](0..<16), seconds: 30, window: 262_144))
        options.set(peer: .unix([47, 97]))
        options.set(.listener, integer: UInt64.max)
        options.set(
            .netAddress, prefixes: [.ipv4(IPv4Address(1), length: 32), .ipv6(IPv6Address(high: 1, low: 2), length: 64)])
        var bytes: [UInt8] = []
        options.encode(into: &bytes)
        let read = try Self.read(bytes)
        #expect(read == options)
        #expect(read.timers == TunnelTimers(ping: .seconds(30), idle: .seconds(200), life: .seconds(7200)))
        #expect(read.shape == TrafficShape([(100, 400), (200, 900)]))
        #expect(read.resumption == Resumption(token: [UInt8](0..<16), seconds: 30, window: 262_144))
        #expect(read.resumableWindow == nil)
        #expect(read.peer == .unix([47, 97]))
        #expect(read.listener == .max)
        #expect(read.prefixes(.netAddress).count == 2)
    }
}
