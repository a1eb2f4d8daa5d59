import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct MessageTests {
    private static let target = Address(host: .name("example.com"), port: 443)

    private static func body(time: Double) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(integer: time.bitPattern)
        target.encode(into: &bytes)
        return bytes
    }

    /// A NaN passes `abs(now - time) > 60`: Python takes such a request at any age.
    @Test(arguments: [Double.nan, -.nan, .signalingNaN, .infinity, -.infinity])
    func `a time that is not finite is refused`(time: Double) throws {
        #expect(throws: WireError.malformed) { try Self.body(time: time).withBytes(Request.read) }
        #expect(throws: WireError.malformed) {
            try ([Command.request.rawValue] + Self.body(time: time)).withBytes(Opening.read)
        }
        var idle = [Command.reset.rawValue]
        idle.append(integer: time.bitPattern)
        #expect(throws: WireError.malformed) { try idle.withBytes(Opening.read) }
    }

    @Test func `times that are finite are kept to the bit`() throws {
        for time in [0, -0.0, 1_700_000_000.25, -1, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .pi] {
            let request = try Self.body(time: time).withBytes(Request.read)
            #expect(request.time.bitPattern == time.bitPattern)
            #expect(request.target == Self.target)
        }
    }

    @Test func `a request cut within its head is malformed, and behind it has less data`() throws {
        let request = Request(time: 1, target: Self.target, data: Array("GET / HTTP/1.1\r\n".utf8))
        let message = request.encoded()
        let head = message.count - request.data.count
        for count in 0..<message.count {
            let cut = Array(message[..<count])
            if count < head {
                #expect(throws: WireError.malformed) { try cut.withBytes(Opening.read) }
            } else {
                var shorter = request
                shorter.data = Array(request.data[..<(count - head)])
                #expect(try cut.withBytes(Opening.read) == .request(shorter))
            }
        }
    }

    @Test func `an empty request is a reset, a time and nothing more`() throws {
        var idle = [Command.reset.rawValue]
        idle.append(integer: (1.5).bitPattern)
        #expect(try idle.withBytes(Opening.read) == .idle(time: 1.5))
        for count in 0..<idle.count {
            #expect(throws: WireError.malformed) { try Array(idle[..<count]).withBytes(Opening.read) }
        }
        #expect(throws: WireError.malformed) { try (idle + [0]).withBytes(Opening.read) }
    }

    @Test func `only a request opens, by its command`() {
        for command in UInt8.min...UInt8.max where ![0, 2, 3].contains(command) {
            let expected = command == 1 ? WireError.unexpectedCommand : .malformed
            #expect(throws: expected) { try ([command] + Self.body(time: 1)).withBytes(Opening.read) }
        }
    }

    @Test func `mutated requests never trap, and have finite times`() {
        var random = SeededRandomness(seed: 8)
        let message = Request(time: 1_763_683_200, target: Self.target, data: [1, 2, 3]).encoded()
        for _ in 0..<10_000 {
            if let opening = try? Mutation.of(message, &random).withBytes(Opening.read), !opening.time.isFinite {
                Issue.record("\(opening)")
            }
        }
    }

    private static func read(_ reset: Reset, padding: Int = 40) -> Reset {
        Array(reset.encoded(padding: padding).dropFirst()).withBytes { Reset.read($0) }
    }

    @Test func `a reset says what it was given, whatever its padding`() {
        let reset = Reset(reason: "can't connect to example.com:443", detail: "[Errno 111] Connect call failed")
        for padding in [0, 1, 40, 499] { #expect(Self.read(reset, padding: padding) == reset) }
        #expect(Self.read(.normal).isNormal)
        #expect(!Self.read(reset).isNormal)
        #expect(Self.read(.targetBroken).isBrokenConnection)
        #expect(Self.read(.userAgentBroken).isBrokenConnection)
        #expect(!Self.read(reset).isBrokenConnection)
    }

    @Test func `resets of older servers have a reason and nothing else`() {
        func read(_ text: String) -> Reset { Array(text.utf8).withBytes { Reset.read($0) } }
        #expect(read("no route      ") == Reset(reason: "no route"))
        #expect(read("") == .normal)
        #expect(read("       ").isNormal)
        #expect(read("  padded reason").isNormal)
        #expect(read("a★b★c   ") == Reset(reason: "a", detail: "b★c"))
        #expect(read("★") == .normal)
    }

    @Test func `texts that are too long are cut, and any bytes make a reset`() {
        let long = Reset(reason: String(repeating: "ü", count: 2000), detail: String(repeating: "x", count: 9000))
        #expect(long.encoded(padding: 499).count + Authenticator.tagSize <= WireLimits.reset)
        var random = SeededRandomness(seed: 9)
        for _ in 0..<5000 {
            let count = random.below(80)
            let bytes = Mutation.of(Array(long.reason.utf8.prefix(10)) + random.bytes(count), &random)
            let reset = bytes.withBytes { Reset.read($0) }
            if reset.reason.utf8.count + reset.detail.utf8.count > 3 * bytes.count { Issue.record("\(bytes)") }
        }
    }

    @Test func `a reset knows its size before it is encoded`() {
        let long = String(repeating: "é", count: WireLimits.resetText)
        for text in ["", "refused", "★", long] {
            for padding in [0, 40, 499] {
                for reset in [Reset(reason: text), Reset(detail: text), Reset(reason: text, detail: "x")] {
                    #expect(reset.encodedSize(padding: padding) == reset.encoded(padding: padding).count)
                }
            }
        }
    }
}
