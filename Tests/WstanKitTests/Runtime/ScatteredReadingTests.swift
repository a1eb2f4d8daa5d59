import Testing

@testable import WstanBase
@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct ScatteredReadingTests {
    @Test(arguments: [(4096, 21), (32_768, 25), (16_384, 0), (Scratch.bodySize, 25)])
    func `a room lies within the scratch, its pieces apart`(size: Int, gap: Int) async throws {
        try await WorkerThread.run { worker in
            for bytes in [0, 1, size, 3 * size, 10 * Scratch.bodySize] {
                let room = worker.scratch.room(piecesOf: size, gap: gap, for: bytes)
                #expect(room.count >= 1 && (room.count == 1 || room.count * size <= bytes))
                for piece in 0..<room.count { #expect(worker.scratch.surrounds(room[piece])) }
            }
        }
    }

    @Test func `bytes fill one piece after the other`() async throws {
        try await WorkerThread.run { worker in
            let (near, far) = try await Loopback.pair(on: worker)
            for count in [1, 4095, 4096, 4097, 10_000] {
                let said = Loopback.pattern(count, seed: UInt64(count))
                near.write(said)
                var heard: [UInt8] = []
                while heard.count < count {
                    guard await far.waitReadable() == .ready else { break }
                    let room = worker.scratch.room(piecesOf: 4096, gap: 30, for: 8 * 4096)
                    guard case .bytes(let got) = far.read(into: room) else { continue }
                    let pieces = ScatteredBytes(room: room, byteCount: got)
                    #expect(pieces.pieceCount == pieces.reduce(0) { count, _ in count + 1 })
                    for piece in pieces { heard += piece }
                }
                #expect(heard == said)
            }
            #expect(far.traffic.received == near.traffic.sent)
            near.close()
            #expect(await far.readAll().ending == .end)
            far.close()
        }
    }

    @Test func `the processor's instructions are read from what the kernel says of it`() {
        #expect(Processor.hasAES(in: "flags\t\t: fpu vme aes xsave\n"))
        #expect(!Processor.hasAES(in: "processor: 0\nflags\t\t: fpu vme xsave\n"))
        #expect(Processor.hasAES(in: "Features\t: fp asimd aes pmull\n"))
        // Not known.
        #expect(Processor.hasAES(in: ""))
    }
}
