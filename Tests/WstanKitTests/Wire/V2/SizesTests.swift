import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct SizesTests {
    private static let now = Instant(nanoseconds: 1_000_000_000_000)

    /// Section 11.
    @Test func `records are small after a silence, and grow with what is sent`() {
        var sizes = RecordSizes()
        var sent = 0
        var seen: [Int] = []
        while sent < 400 * 1024 {
            let size = sizes.next(now: Self.now)
            if size != seen.last { seen.append(size) }
            let expected = sent < 32 * 1024 ? 4 * 1024 : sent < 256 * 1024 ? 16 * 1024 : 32 * 1024
            #expect(size == expected)
            sizes.sent(size, now: Self.now)
            sent += size
        }
        #expect(seen == [4096, 16_384, 32_768])
        #expect(sizes.next(now: Self.now + .milliseconds(999)) == 32_768)
        #expect(sizes.next(now: Self.now + .seconds(1)) == 4096)
        sizes.sent(1, now: Self.now + .seconds(1))
        #expect(sizes.next(now: Self.now + .milliseconds(1500)) == 4096)
    }

    @Test func `a trickle goes on in small records`() {
        var sizes = RecordSizes()
        for second in 0..<100 {
            let now = Self.now + .seconds(second)
            #expect(sizes.next(now: now) == 4096)
            sizes.sent(4096, now: now)
        }
    }

    /// Section 9.
    @Test func `padding has the ranges of the protocol`() {
        for (random, part) in [(UInt32.min, 0.0), (.max, 1.0), (1 << 31, 0.5)] {
            #expect(abs(Double(Padding.p1(hasRequest: true, random: random)) - 255 * part) <= 1)
            #expect(abs(Double(Padding.p1(hasRequest: false, random: random)) - (64 + 255 * part)) <= 1)
            #expect(abs(Double(Padding.p2(random: random)) - 511 * part) <= 1)
        }
        #expect(Padding.p1(hasRequest: false, random: .max) == 319)
        for byte in UInt8.min...0x7f {
            guard let type = MessageType(byte: byte) else { continue }
            let isPadded = [0x02, 0x03, 0x04, 0x08, 0x0d].contains(byte) || (0x10...0x1f).contains(byte)
            #expect(Padding.record(type, random: .max) == (isPadded ? 255 : nil))
            #expect(Padding.record(type, random: 0) == (isPadded ? 0 : nil))
        }
    }

    @Test func `each size of a range is as likely`() {
        var random = SeededRandomness(seed: 3)
        var counts = [Int](repeating: 0, count: 256)
        for _ in 0..<256_000 { counts[Padding.pick(0...255, UInt32(truncatingIfNeeded: random.next()))] += 1 }
        #expect(counts.allSatisfy { (800...1200).contains($0) })
    }

    @Test func `the first records take the sizes of the shape, where they are smaller`() {
        var padding = RecordPadding(TrafficShape([(100, 400), (200, 200), (50, 60), (4096, 4096)]))
        #expect(padding.isShaping)
        // Three bytes of a type and a length are part of the size.
        #expect(padding.next(.data, size: 10, random: .max) == 400 - 12)
        #expect(padding.next(.data, size: 198, random: 7) == 0)
        #expect(padding.next(.data, size: 1000, random: 7) == nil)
        #expect(padding.next(.ok, size: 4, random: 7) == 4090)
        #expect(!padding.isShaping)
        #expect(padding.next(.data, size: 10, random: .max) == nil)
        #expect(padding.next(.fin, size: 10, random: .max) == 255)
        // Larger than its range: as without a shape.
        var other = RecordPadding(TrafficShape([(10, 10)]))
        #expect(other.next(.fin, size: 10, random: .max) == 255)
    }

    @Test func `padding does not make a record longer than the peer takes`() {
        var padding = RecordPadding()
        #expect(padding.next(.fin, size: 66_046, random: .max) == 0)
        #expect(padding.next(.fin, size: 66_047, random: .max) == nil)
        #expect(padding.next(.fin, size: 66_000, random: .max) == 46)
        #expect(padding.next(.fin, size: 16_890, limit: 16_896, random: .max) == 4)
    }
}
