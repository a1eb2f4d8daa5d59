import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct RecordTests {
    private static let vectors = MessageVectors.all
    private static let now = Instant(nanoseconds: 1)
    private static let ciphers: [RecordCipher] = AEADCipher.allCases.map { .sealed($0) } + [.none]

    /// The plaintext of the next record, and what was read of it.
    private static func open(_ record: [UInt8], _ opener: inout RecordOpener) throws(Violation) -> (
        plaintext: [UInt8], type: MessageType
    ) {
        var record = record
        return try record.withMutableBytes { (bytes) throws(Violation) -> (plaintext: [UInt8], type: MessageType) in
            let message = try opener.open(bytes)
            return (Array(bytes.dropLast(opener.epoch.cipher.tagSize)), message.type)
        }
    }

    private static func fault(_ record: [UInt8], _ opener: inout RecordOpener) -> Violation? {
        do {
            _ = try open(record, &opener)
            return nil
        } catch {
            return error
        }
    }

    private static func epoch(_ cipher: RecordCipher, next: UInt64 = 0) -> Epoch {
        Epoch(cipher: cipher, chain: SecretBytes([UInt8](0..<32)), next: next)
    }

    private static func pair(
        _ cipher: RecordCipher, next: UInt64 = 0, limit: Int = LimitsV2.plaintext
    ) -> (RecordSealer, RecordOpener) {
        (
            RecordSealer(epoch(cipher, next: next), limit: limit, now: now),
            RecordOpener(epoch(cipher, next: next), limit: limit)
        )
    }

    private static func data(_ bytes: [UInt8], _ sealer: inout RecordSealer) -> [UInt8] {
        bytes.withUnsafeBytes { sealer.seal(.data($0)) }
    }

    @Test func `keys and ivs of each handshake follow from its chains`() throws {
        #expect(Self.vectors.handshakes.count == 11)
        for vector in Self.vectors.handshakes {
            let cipher = try vector.cipher()
            guard case .sealed(let aead) = cipher else {
                #expect(vector.keyC2S == nil && vector.ivC2S == nil)
                continue
            }
            for (chain, key, iv) in [
                (vector.chainC2S, vector.keyC2S, vector.ivC2S), (vector.chainS2C, vector.keyS2C, vector.ivS2C),
            ] {
                let chain = SecretBytes(Hexadecimal(chain).bytes)
                let derived = HKDF.expand(prk: chain, info: Array("key".utf8) + [cipher.byte], length: aead.keySize)
                #expect(derived == SecretBytes(Hexadecimal(try #require(key)).bytes))
                #expect(
                    HKDF.expand(prk: chain, info: Array("iv".utf8), length: 12)
                        == SecretBytes(Hexadecimal(try #require(iv)).bytes))
            }
        }
    }

    /// DATA, REKEY and FIN in the next epoch one way; OK and a padded DATA the other.
    @Test func `the records of each handshake are sealed and opened byte for byte`() throws {
        var records = 0
        for vector in Self.vectors.handshakes {
            var sealer = RecordSealer(try vector.toServer(), now: Self.now)
            let toServer = [
                Self.data(Array("data".utf8), &sealer), sealer.rekey(now: Self.now),
                sealer.seal(.fin(UnsafeRawBufferPointer(start: nil, count: 0))),
            ]
            #expect(toServer == vector.recordsC2S.map { Hexadecimal($0).bytes }, "\(vector.name)")
            var answering = RecordSealer(try vector.toClient(), now: Self.now)
            let toClient = [
                answering.seal(.ok(RequestBody())),
                Array("answer".utf8).withUnsafeBytes { answering.seal(.data($0), padding: 9) },
            ]
            #expect(toClient == vector.recordsS2C.map { Hexadecimal($0).bytes }, "\(vector.name)")

            var opener = RecordOpener(try vector.toServer())
            #expect(try toServer.map { try Self.open($0, &opener).type } == [.data, .rekey, .fin])
            var back = RecordOpener(try vector.toClient())
            #expect(try toClient.map { try Self.open($0, &back).type } == [.ok, .data])
            records += toServer.count + toClient.count
        }
        #expect(records == 55)
    }

    @Test func `each message of the vectors is sealed and opened as the reference does`() throws {
        let first = try #require(Self.vectors.handshakes.first)
        var sealer = RecordSealer(try first.toServer(), now: Self.now)
        var opener = RecordOpener(try first.toServer())
        for vector in Self.vectors.messages.list {
            let plaintext = Hexadecimal(vector.plaintext).bytes
            let record = Hexadecimal(vector.record).bytes
            let padding = plaintext[0] & MessageType.padded == 0 ? nil : Int(plaintext[1]) << 8 | Int(plaintext[2])
            let sealed = try plaintext.withBytes { (bytes) throws(Violation) -> [UInt8] in
                let message = try MessageV2.read(bytes)
                if case .rekey = message { return sealer.rekey(now: Self.now) }
                return sealer.seal(message, padding: padding)
            }
            #expect(sealed == record, "\(vector.name)")
            #expect(try Self.open(record, &opener).plaintext == plaintext, "\(vector.name)")
        }
    }

    @Test func `each violation of the vectors closes the tunnel at its last record`() throws {
        #expect(Self.vectors.violations.count == 12)
        let first = try #require(Self.vectors.handshakes.first)
        let reasons: [String: Violation] = [
            "bad tag": .notAuthentic, "record length": .recordLength, "padding": .padding,
        ]
        for vector in Self.vectors.violations {
            // The vectors have the handshake's padding of P2 and its keys in common.
            var opener = RecordOpener(try first.toServer())
            for record in vector.records.dropLast() {
                #expect(Self.fault(record.bytes, &opener) == nil, "\(vector.name)")
            }
            let last = try #require(vector.records.last)
            #expect(Self.fault(last.bytes, &opener) == reasons[vector.reason], "\(vector.name)")
        }
    }

    @Test(arguments: ciphers)
    func `data is sealed in place, with and without padding`(cipher: RecordCipher) throws {
        var (sealer, opener) = Self.pair(cipher)
        for (count, padding, isLast) in [
            (0, nil, false), (5, nil, true), (5, 7, false), (65_536, nil, false), (0, 0, true),
        ] as [(Int, Int?, Bool)] {
            let room = Sealer.headroom
            var memory = [UInt8](repeating: 0xaa, count: room + count + (padding ?? 0) + Sealer.tailroom)
            for place in 0..<count { memory[room + place] = UInt8(truncatingIfNeeded: place) }
            let record = memory.withUnsafeMutableBytes { buffer -> [UInt8] in
                guard let start = buffer.baseAddress else { return [] }
                return Array(sealer.seal(data: start + room, count: count, isLast: isLast, padding: padding))
            }
            let head = padding == nil ? 1 : 3
            #expect(record.count == head + count + (padding ?? 0) + cipher.tagSize)
            let (plaintext, type) = try Self.open(record, &opener)
            #expect(type == (isLast ? .fin : .data))
            #expect(
                plaintext.dropFirst(head).prefix(count).elementsEqual((0..<count).map { UInt8(truncatingIfNeeded: $0) })
            )
        }
    }

    /// Whatever lies between: a REKEY may come at any place.
    @Test(arguments: ciphers)
    func `a REKEY at every place begins an epoch on both sides`(cipher: RecordCipher) throws {
        for place in 0..<12 {
            var (sealer, opener) = Self.pair(cipher)
            for number in 0..<12 {
                if number == place || number == 11 - place {
                    let record = sealer.rekey(now: Self.now, padding: number % 2 == 0 ? nil : number)
                    #expect(try Self.open(record, &opener).type == .rekey)
                    #expect(sealer.epoch.next == 0 && opener.epoch.next == 0)
                }
                let data = [UInt8](repeating: UInt8(number), count: number * 10)
                #expect(try Self.open(Self.data(data, &sealer), &opener).plaintext == [0x01] + data)
            }
        }
    }

    @Test func `records of two epochs have nothing in common`() throws {
        for cipher in AEADCipher.allCases {
            var (sealer, _) = Self.pair(.sealed(cipher))
            var seen: Set<[UInt8]> = []
            for _ in 0..<50 {
                for _ in 0..<3 { #expect(seen.insert(Self.data([1, 2, 3], &sealer)).inserted) }
                #expect(seen.insert(sealer.rekey(now: Self.now)).inserted)
            }
        }
    }

    @Test(arguments: ciphers)
    func `the last record of an epoch is a REKEY, and one more closes the tunnel`(cipher: RecordCipher) throws {
        let last = LimitsV2.recordsInEpoch - 1
        var (sealer, opener) = Self.pair(cipher, next: last - 1)
        #expect(!sealer.mustRekey)
        #expect(try Self.open(Self.data([1], &sealer), &opener).type == .data)
        #expect(sealer.mustRekey && sealer.isRekeyDue(now: Self.now, isIdle: false))
        #expect(try Self.open(sealer.rekey(now: Self.now), &opener).type == .rekey)
        #expect(!sealer.mustRekey)
        #expect(try Self.open(Self.data([1], &sealer), &opener).type == .data)

        // A peer that goes on: its record 2^20 - 1 is no REKEY, and is taken; record 2^20 is not.
        let hostile = Self.epoch(cipher, next: last)
        var taken = RecordOpener(Self.epoch(cipher, next: last))
        var record: [UInt8] = [0x01, 9] + [UInt8](repeating: 0, count: cipher.tagSize)
        record.withUnsafeMutableBytes { hostile.seal($0, plaintextLength: 2) }
        #expect(Self.fault(record, &taken) == nil)
        #expect(hostile.isOver)
        #expect(Self.fault(record, &taken) == .epochTooLong)
    }

    /// A million of them take a while.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["WSTAN_LONG_TESTS"] != nil))
    func `a whole epoch of 2^20 records is opened`() throws {
        var (sealer, opener) = Self.pair(.none)
        let bytes: [UInt8] = [7]
        try bytes.withUnsafeBytes { bytes in
            while !sealer.mustRekey {
                guard Self.fault(sealer.seal(.data(bytes)), &opener) == nil else { throw Violation.recordLength }
            }
        }
        #expect(opener.epoch.next == LimitsV2.recordsInEpoch - 1)
        #expect(try Self.open(sealer.rekey(now: Self.now), &opener).type == .rekey)
    }

    @Test(arguments: ciphers)
    func `lengths of records are bounded`(cipher: RecordCipher) throws {
        for limit in [LimitsV2.leastPlaintext, LimitsV2.plaintext] {
            var (sealer, opener) = Self.pair(cipher, limit: limit)
            #expect(opener.mostBytes == limit + cipher.tagSize)
            // Its type, the length of its padding, the most data that a message has, and padding.
            let data = [UInt8](repeating: 1, count: min(65_536, limit - 3))
            let record = data.withUnsafeBytes { sealer.seal(.fin($0), padding: limit - 3 - data.count) }
            #expect(record.count == opener.mostBytes)
            #expect(try Self.open(record, &opener).type == .fin)
            #expect(Self.fault([UInt8](repeating: 0, count: opener.mostBytes + 1), &opener) == .recordLength)
            #expect(Self.fault([UInt8](repeating: 0, count: cipher.tagSize), &opener) == .recordLength)
            #expect(Self.fault([], &opener) == .recordLength)
            #expect(sealer.mostData == min(65_536, limit - 1))
        }
    }

    @Test(arguments: AEADCipher.allCases)
    func `a record with any bit changed, or cut, is not opened`(cipher: AEADCipher) {
        var (sealer, _) = Self.pair(.sealed(cipher))
        let record = Self.data([1, 2, 3, 4, 5], &sealer)
        for bit in 0..<(8 * record.count) {
            var changed = record
            changed[bit / 8] ^= 1 << (bit % 8)
            var (_, opener) = Self.pair(.sealed(cipher))
            #expect(Self.fault(changed, &opener) == .notAuthentic)
        }
        for count in 0..<record.count {
            var (_, opener) = Self.pair(.sealed(cipher))
            #expect(Self.fault(Array(record[..<count]), &opener) == (count <= 16 ? .recordLength : .notAuthentic))
        }
    }

    @Test func `keys are changed after an hour, and when a tunnel falls idle behind much`() {
        var (sealer, _) = Self.pair(.sealed(.aes128GCM))
        let hour = Self.now + .seconds(3600)
        #expect(!sealer.isRekeyDue(now: Self.now, isIdle: true))
        #expect(!sealer.isRekeyDue(now: Self.now + .seconds(3599), isIdle: true))
        #expect(sealer.isRekeyDue(now: hour, isIdle: false))
        _ = sealer.rekey(now: hour)
        #expect(!sealer.isRekeyDue(now: hour + .seconds(1), isIdle: false))
        let data = [UInt8](repeating: 0, count: 65_535)
        for _ in 0..<16 { _ = Self.data(data, &sealer) }
        #expect(!sealer.isRekeyDue(now: hour, isIdle: true))
        _ = Self.data([1], &sealer)
        #expect(sealer.isRekeyDue(now: hour, isIdle: true))
        #expect(!sealer.isRekeyDue(now: hour, isIdle: false))
    }

    @Test func `ciphers have the numbers of the wire`() {
        for byte in UInt8.min...UInt8.max {
            let cipher = RecordCipher(byte: byte)
            #expect((cipher != nil) == [1, 2, 3, 128].contains(byte))
            if let cipher { #expect(cipher.byte == byte) }
        }
    }
}

extension Array where Element == UInt8 {
    /// `withUnsafeMutableBytes` that keeps the type of what `body` throws.
    fileprivate mutating func withMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try withUnsafeMutableBytes { bytes in Result { () throws(E) -> R in try body(bytes) } }.get()
    }
}
