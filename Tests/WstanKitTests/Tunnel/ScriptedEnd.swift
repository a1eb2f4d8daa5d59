@testable import WstanBase
@testable import WstanCore

/// A near end that is no socket: what it sends is at hand from the beginning, what it gets is kept. Confined to its worker.
final class ScriptedEnd: ByteEnd, @unchecked Sendable {
    let worker: Worker
    private var input: ArraySlice<UInt8>
    private(set) var received: [UInt8] = []

    init(on worker: Worker, _ input: [UInt8] = []) {
        self.worker = worker
        self.input = input[...]
        lastReceived = worker.now
    }

    func waitReadable(deadline: Instant?) async -> WstanCore.Stream.Wake { .ready }

    /// A few bytes at a time, and then the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> WstanCore.Stream.ReadResult {
        guard !input.isEmpty else { return .end }
        let piece = input.prefix(min(7, buffer.count))
        buffer.copyBytes(from: piece)
        input = input.dropFirst(piece.count)
        lastReceived = worker.now
        return .bytes(piece.count)
    }

    func interruptReader() {}
    private(set) var isFinished = false
    func finish() { isFinished = true }
    func write(_ bytes: UnsafeRawBufferPointer) { received += bytes }
    var pendingCount: Int { 0 }
    func waitDrained(until deadline: Instant?) async {}
    func interruptDrain() {}
    let peerName = "script"
    private(set) var lastReceived: Instant
    let isGone = false
    var peerHasFinished: Bool { input.isEmpty }
    let ownerHasLeft = false
    var onPeerGone: (() -> Void)?
    let unacknowledgedCount = 0
    func peerIsAlive(since time: Instant) -> Bool { true }
}
