import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct MessageV2Tests {
    private static let all = MessageVectors.all.messages.list.map {
        (name: $0.name, bytes: Hexadecimal($0.plaintext).bytes)
    }

    private static func padding(of plaintext: [UInt8]) -> Int? {
        plaintext[0] & MessageType.padded == 0 ? nil : Int(plaintext[1]) << 8 | Int(plaintext[2])
    }

    @Test func `each message of the vectors is read and written byte for byte`() throws {
        #expect(Self.all.count == 37)
        for (name, bytes) in Self.all {
            #expect(try MessageV2.rewritten(bytes, padding: Self.padding(of: bytes)) == bytes, "\(name)")
        }
        // All types of the table are among them.
        let types = Set(Self.all.map { $0.bytes[0] & 0x7f })
        #expect(types == Set(UInt8(0x00)...0x0d).union(0x10...0x16))
    }

    /// A whole message has no part that is optional but data and text, so most cuts are faults, and none traps.
    @Test func `a message cut anywhere is a fault, or a shorter message`() throws {
        for (name, bytes) in Self.all {
            for count in 0..<bytes.count {
                let cut = Array(bytes[..<count])
                guard MessageV2.fault(cut) == nil, Self.padding(of: cut) == nil else { continue }
                #expect(try MessageV2.rewritten(cut, padding: nil) == cut, "\(name) cut at \(count)")
            }
        }
        #expect(MessageV2.fault([]) == .truncated)
    }

    @Test func `each message is what its name says`() throws {
        let ipv4 = AddressV2.ipv4(IPv4Address(0xc000_0207), port: 443)
        let ipv6 = AddressV2.ipv6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 7), port: 53)
        let name = AddressV2.name("example.com", port: 443)
        let listener: UInt64 = 0x1122_3344_5566_7788
        let token = [UInt8](0..<16)

        func body(_ address: AddressV2 = .none, _ data: String = "", _ set: (inout Options) -> Void = { _ in })
            -> RequestBody
        {
            var body = RequestBody(address: address, data: Array(data.utf8))
            set(&body.options)
            return body
        }
        func request(_ type: RequestType, _ body: RequestBody) -> [UInt8] {
            MessageV2.request(RequestV2(type, body)).encoded()
        }
        func bytes(_ text: String, _ make: (UnsafeRawBufferPointer) -> MessageV2) -> [UInt8] {
            Array(text.utf8).withUnsafeBytes { make($0).encoded() }
        }
        func datagrams(_ list: [(AddressV2, String)]) throws -> [UInt8] {
            var gatherer = PieceGatherer()
            for (address, payload) in list { #expect(gatherer.append(address, payload.utf8) == true) }
            return gatherer.body
        }
        var made: [[UInt8]] = []
        made.append(MessageV2.nop.encoded(padding: 5))
        made.append(bytes("hello") { .data($0) })
        made.append(Array("hello".utf8).withUnsafeBytes { MessageV2.data($0).encoded(padding: 3) })
        made.append(bytes("") { .fin($0) })
        made.append(bytes("bye") { .fin($0) })
        made.append(MessageV2.reset(ResetV2(connection: 0, code: .refused, text: "connection refused")).encoded())
        made.append(MessageV2.reset(ResetV2(connection: UInt8(truncatingIfNeeded: 259), code: .none)).encoded())
        made.append(MessageV2.ok(body()).encoded())
        made.append(MessageV2.ok(body(.ipv4(IPv4Address(0xc633_6401), port: 40_000))).encoded())
        made.append(MessageV2.ok(body(.none, "220 mail")).encoded())
        made.append(MessageV2.ok(body { $0.set(Resumption(token: token, seconds: 30, window: 262_144)) }).encoded())
        made.append(
            MessageV2.ok(body(.ipv4(IPv4Address(0), port: 8080)) { $0.set(.listener, integer: listener) }).encoded())
        made.append(
            MessageV2.ok(
                body {
                    $0.set(.netAddress, prefixes: [.ipv4(IPv4Address(0x0a08_0002), length: 24)])
                    $0.set(.netRoute, prefixes: [.ipv4(IPv4Address(0), length: 0)])
                    $0.set(.mtu, integer: UInt16(1400))
                    $0.set(.dns, [4, 10, 8, 0, 1])
                    $0.set(.token, token)
                }
            ).encoded())
        made.append(MessageV2.ok(body { $0.set(.received, integer: UInt64(4096)) }).encoded())
        made.append(MessageV2.ping(0x3132_3334_3536_3738).encoded())
        made.append(MessageV2.pong(0x3132_3334_3536_3738).encoded())
        made.append(MessageV2.rekey.encoded())
        made.append(MessageV2.bye(Bye(code: .draining, text: "restart")).encoded())
        made.append(MessageV2.ack(Acknowledgement(connection: 0, offset: 65_536)).encoded())
        made.append(bytes("stripe") { .dataAt(offset: 131_072, $0) })
        made.append([0x0b] + (try datagrams([(ipv4, "one"), (ipv6, "two")])))
        var packets = PieceGatherer()
        #expect(packets.append(packet: [0x45] + [UInt8](repeating: 0, count: 27)) == true)
        made.append([0x0c] + packets.body)
        made.append(MessageV2.need(Need(listener: listener, count: 2)).encoded())
        made.append(request(.connect, body(name, "GET / HTTP/1.1\r\n")))
        made.append(request(.connect, body(ipv6) { $0.set(.lazy, []) }))
        made.append(request(.connect, body(.unix(Array("/run/app.sock".utf8)))))
        made.append(request(.connect, body(name) { $0.set(.resumable, integer: UInt32(262_144)) }))
        var associate = body { $0.set(.fullCone, []) }
        associate.data = try datagrams([(ipv4, "one")])
        made.append(request(.associate, associate))
        made.append(
            request(.listen, body(.ipv4(IPv4Address(0), port: 8080)) { $0.set(.listenKind, [ListenKind.stream.byte]) }))
        made.append(
            request(
                .listen,
                body(.ipv6(IPv6Address(high: 0, low: 0), port: 5353)) { $0.set(.listenKind, [ListenKind.udp.byte]) }))
        made.append(request(.park, body { $0.set(.listener, integer: listener) }))
        func incoming(_ address: AddressV2, _ data: String) -> [UInt8] {
            request(
                .incoming,
                body(address, data) {
                    $0.set(.listener, integer: listener)
                    $0.set(peer: ipv4)
                })
        }
        made.append(incoming(.none, "early"))
        made.append(incoming(name, ""))
        made.append(
            request(
                .network,
                body {
                    $0.set(.netKind, [0])
                    $0.set(.mtu, integer: UInt16(1400))
                }))
        made.append(
            request(
                .network,
                body {
                    $0.set(.netKind, [1])
                    $0.set(.mac, [2, 0, 0, 0, 0, 7])
                }))
        made.append(
            request(
                .resume,
                body {
                    $0.set(.token, token)
                    $0.set(.received, integer: UInt64(1000))
                }))
        made.append(
            request(
                .resume,
                body {
                    $0.set(.token, token)
                    $0.set(.stripe, [1])
                }))
        try #require(made.count == Self.all.count)
        for (made, vector) in zip(made, Self.all) { #expect(made == vector.bytes, "\(vector.name)") }
    }

    @Test func `types have their class`() {
        for byte in UInt8.min...0x7f {
            let type = MessageType(byte: byte)
            switch byte {
            case 0x00...0x0d, 0x10...0x1f, 0x40...0x7f: #expect(type?.byte == byte)
            default: #expect(type == nil)
            }
            let isKnown = type != nil
            #expect((MessageV2.fault([byte, 0, 0, 0, 0, 0, 0, 0, 0]) == .unknownType) == !isKnown)
        }
        #expect(MessageType(byte: 0x19) == .request(.later(0x19)))
        #expect(MessageType(byte: 0x80) == nil)
    }

    @Test(
        arguments: [
            ([0x83], Violation.truncated), ([0x81, 0], .truncated), ([0x81, 0, 1], .padding),
            ([0x81, 0, 9, 1, 2], .padding),
            ([0x81, 0, 2, 1, 2], nil), ([0x03, 0], .truncated), ([0x03], .truncated), ([0x03, 0, 5], nil),
            ([0x08], .truncated),
            ([0x08, 20], nil), ([0x07, 1], .trailingBytes), ([0x87, 0, 1, 9], nil),
            ([0x05, 1, 2, 3, 4, 5, 6, 7], .truncated),
            ([0x05, 1, 2, 3, 4, 5, 6, 7, 8, 9], .trailingBytes), ([0x06], .truncated),
            ([0x09, 0, 0, 0, 0, 0, 0, 0, 0], .truncated),
            ([0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .trailingBytes), ([0x0a, 0, 0, 0, 0, 0, 0, 0], .truncated),
            ([0x0d, 0, 0, 0, 0, 0, 0, 0, 0], .truncated), ([0x0d, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], .trailingBytes),
            ([0x0b], .noPieces), ([0x0c], .noPieces), ([0x0c, 0, 2, 1], .truncated), ([0x0c, 0], .truncated),
            ([0x0c, 0, 0], nil),
            ([0x0b, 0, 0], .truncated), ([0x0b, 0, 1, 2], .addressType), ([0x0b, 0, 1, 0], nil), ([0x04], .truncated),
            ([0x04, 0, 0], .truncated), ([0x04, 0, 0, 2], .addressType), ([0x10, 0, 0, 3, 0, 0, 0], .address),
            ([0x11, 0, 0, 0, 0], .truncated), ([0x11, 0, 0, 0, 0, 1, 0], nil), ([0x1f, 0, 0, 0], nil),
            ([0x1f, 0, 1, 0], .truncated),
            ([0x40, 0xff, 0xff], nil), ([0x2f], .unknownType), ([0xc0, 0, 0], nil),
        ] as [([UInt8], Violation?)])
    func `bodies of a wrong length are faults`(bytes: [UInt8], fault: Violation?) {
        #expect(MessageV2.fault(bytes) == fault)
    }

    @Test func `bounds hold to the byte`() {
        let text = [UInt8](repeating: 0x61, count: 255)
        #expect(MessageV2.fault([0x03, 0, 1] + text) == nil)
        #expect(MessageV2.fault([0x03, 0, 1] + text + [0x61]) == .textTooLong)
        #expect(MessageV2.fault([0x08, 1] + text) == nil)
        #expect(MessageV2.fault([0x08, 1] + text + [0x61]) == .textTooLong)
        let data = [UInt8](repeating: 1, count: 65_536)
        for type: UInt8 in [0x01, 0x02] {
            #expect(MessageV2.fault([type] + data) == nil)
            #expect(MessageV2.fault([type] + data + [1]) == .tooMuchData)
        }
        let pieces = [UInt8](repeating: 0, count: 2 * 64)
        #expect(MessageV2.fault([0x0c] + pieces) == nil)
        #expect(MessageV2.fault([0x0c] + pieces + [0, 0]) == .tooManyPieces)
        #expect(MessageV2.fault([0x11, 0, 0, 0] + (0..<65).flatMap { _ in [0, 1, 0] }) == .tooManyPieces)
    }

    @Test func `texts are repaired when they are read, and cut where a character begins`() throws {
        let repaired = try [UInt8]([7, 1, 0x61, 0xff]).withBytes { (bytes) throws(Violation) in try ResetV2.read(bytes)
        }
        #expect(repaired.text == "a\u{fffd}")
        for length in [84, 85, 86, 200] {
            var bytes: [UInt8] = []
            Bye(code: .draining, text: "x" + String(repeating: "€", count: length)).encode(into: &bytes)
            #expect(bytes.count <= 256)
            #expect(String(validating: bytes.dropFirst(), as: UTF8.self) != nil)
            #expect(bytes.count == min(1 + 1 + 3 * length, 1 + 1 + 3 * 84))
        }
    }

    @Test func `codes become replies of SOCKS`() {
        for code in UInt8.min...UInt8.max {
            let expected: UInt8 =
                switch code {
                case 1...8: code
                case 17: 4
                case 18: 6
                default: 1
                }
            #expect(ResetCode(byte: code).socksReply.rawValue == expected)
        }
        #expect(ResetCode.allCases.count == 21)
        #expect(ResetCode(byte: 23) == .failed)
    }

    @Test func `damaged messages never trap, and what is read is written and read again`() throws {
        var random = SeededRandomness(seed: 21)
        for (_, bytes) in Self.all {
            for _ in 0..<300 {
                let damaged = Mutation.of(bytes, &random)
                guard MessageV2.fault(damaged) == nil else { continue }
                let again = try MessageV2.rewritten(damaged, padding: nil)
                #expect(try MessageV2.rewritten(again, padding: nil) == again)
            }
        }
    }
}
