import Testing

@testable import WstanCore

@Suite struct MaskingTests {
    private static let octets: [UInt8] = [0x11, 0x80, 0x00, 0xfe]

    private static func key(_ octets: [UInt8]) -> MaskingKey {
        MaskingKey(octets.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
    }

    @Test func `every phase, length and alignment agrees with the RFC's loop`() {
        let size = 240
        let original = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { memory.deallocate() }
        for phase in 0..<4 {
            for alignment in 0..<34 where [0, 1, 2, 3, 5, 8, 31, 33].contains(alignment) {
                for count in 0...200 {
                    memory.copyBytes(from: original)
                    let part = UnsafeMutableRawBufferPointer(rebasing: memory[alignment..<(alignment + count)])
                    Self.key(Self.octets).apply(to: part, phase: UInt64(phase))
                    var isRight = true
                    for index in 0..<size {
                        let within = index - alignment
                        let isInside = within >= 0 && within < count
                        let mask = isInside ? Self.octets[(within + phase) & 3] : 0
                        if memory[index] != original[index] ^ mask { isRight = false }
                    }
                    if !isRight { Issue.record("phase \(phase), alignment \(alignment), count \(count)") }
                }
            }
        }
    }

    @Test func `a phase far into a long frame counts modulo four`() {
        let phases: [UInt64] = [.max, .max - 1, 0x1_0000_0003, 1 << 63]
        for phase in phases {
            var bytes = [UInt8](repeating: 0, count: 9)
            bytes.withUnsafeMutableBytes { Self.key(Self.octets).apply(to: $0, phase: phase) }
            let expected = (0..<9).map { index in Self.octets[(index + Int(phase % 4)) % 4] }
            #expect(bytes == expected)
        }
    }

    @Test func `masking twice is not masking, and zeros are no mask`() {
        var random = SeededRandomness(seed: 14)
        let bytes = random.bytes(100)
        var changed = bytes
        changed.withUnsafeMutableBytes { Self.key([0, 0, 0, 0]).apply(to: $0) }
        #expect(changed == bytes)
        changed.withUnsafeMutableBytes { Self.key(Self.octets).apply(to: $0) }
        #expect(changed != bytes)
        changed.withUnsafeMutableBytes { Self.key(Self.octets).apply(to: $0) }
        #expect(changed == bytes)
        [UInt8]().withBytes { _ in Self.key(Self.octets).apply(to: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        }
    }

    @Test func `a key is stored as it came`() {
        var bytes = [UInt8](repeating: 0, count: 4)
        bytes.withUnsafeMutableBytes { buffer in
            if let start = buffer.baseAddress { Self.key(Self.octets).store(to: start) }
        }
        #expect(bytes == Self.octets)
    }
}
