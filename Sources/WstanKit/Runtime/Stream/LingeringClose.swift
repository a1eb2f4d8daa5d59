import Glibc
import WstanBase

/// The end of a stream that nobody reads or writes any more: what is held is sent, then it closes by itself. Confined
/// to its worker.
///
/// A slow reader is not a dead one: as long as it takes something, it gets its time, up to a bound.
package final class LingeringClose: @unchecked Sendable {
    enum Ending: Equatable {
        /// Throw away what still comes. With `awaitingPeer` until the peer has ended too: closing while it is still
        /// sending answers it with a reset, and that may cost it the last bytes it was sent. Beyond `discarding` bytes
        /// it is reset all the same.
        case orderly(awaitingPeer: Bool, discarding: Int)
        /// Reset the connection once the peer has acknowledged everything: a reset throws away what the kernel still
        /// holds.
        case reset
    }

    private let ending: Ending
    /// Held until it is closed, which lets go of this: closing may be what drops everybody else's hold on it.
    private let stream: Stream
    private let began: Instant
    private var timer: Timers.ID?
    private var lastProgress: Instant
    private var remaining: Int
    /// Bytes that were thrown away.
    private var discarded = 0
    private var hasSentAll = false
    private var isDiscarding = false

    private static let patienceWithReader: Duration = .seconds(300)
    private static let patienceWithPeer: Duration = .seconds(2)
    private static let longest: Duration = .seconds(900)
    /// What a peer that has proven itself may have on its way: more than a fast connection over an ocean holds.
    package static let discarding = 8 << 20
    /// The kernel does not tell when the last byte was acknowledged.
    private static let acknowledgementStep: Duration = .milliseconds(20)

    init(_ stream: Stream, _ ending: Ending) {
        self.stream = stream
        self.ending = ending
        began = stream.worker.now
        lastProgress = began
        remaining = .max
    }

    var isReset: Bool { ending == .reset }

    /// To be called at the beginning, and at every event of the stream.
    func proceed() {
        guard !stream.isClosed else { return }
        switch ending {
        case .orderly(let awaitsPeer, let most): proceedOrderly(awaitsPeer, most)
        case .reset: proceedToReset()
        }
    }

    func cancel() {
        if let timer { stream.worker.cancel(timer) }
        timer = nil
    }

    private func proceedOrderly(_ awaitsPeer: Bool, _ most: Int) {
        let hasDiscardedAll = discardInput(most)
        guard !stream.isClosed else { return }
        let hasHadEnough = discarded >= most
        if !hasDiscardedAll, !hasHadEnough { discardMoreLater() }
        guard stream.pendingCount == 0 else { return check(in: Self.patienceWithReader) }
        // What is left unread makes a reset of it.
        if hasHadEnough { return stream.close() }
        if hasDiscardedAll, stream.peerHasFinished || !awaitsPeer { return stream.close() }
        // Everything is on its way: from here on only the peer's own end is awaited.
        guard !hasSentAll else { return }
        hasSentAll = true
        cancel()
        timer = stream.worker.schedule(after: Self.patienceWithPeer) { [stream] in stream.close() }
    }

    private func proceedToReset() {
        // A peer that has reset the connection acknowledges nothing any more.
        guard !stream.isGone else { return stream.abort() }
        guard stream.pendingCount == 0 else { return check(in: Self.patienceWithReader) }
        if stream.unacknowledgedCount == 0 { return stream.abort() }
        cancel()
        check(in: Self.acknowledgementStep)
    }

    /// Comes back after `delay` to see whether anything has moved.
    private func check(in delay: Duration) {
        guard timer == nil else { return }
        let worker = stream.worker
        timer = worker.schedule(after: delay) { [weak self] in
            guard let self else { return }
            timer = nil
            let left = stream.pendingCount + stream.unacknowledgedCount
            if left < remaining { lastProgress = worker.now }
            remaining = left
            let isStuck = worker.now - lastProgress >= Self.patienceWithReader || worker.now - began >= Self.longest
            if isStuck { stream.abort() } else { proceed() }
        }
    }

    /// - Returns: whether nothing is left. It stops early, so that a peer that never stops sending does not hold the
    ///   worker up.
    private func discardInput(_ most: Int) -> Bool {
        for _ in 0..<4 where stream.mayHaveInput && discarded < most {
            switch read(into: stream.worker.scratch.body(min(most - discarded, Scratch.bodySize))) {
            case .bytes(let count): discarded += count
            case .wouldBlock, .end: return true
            case .failed:
                stream.close()
                return true
            }
        }
        return !stream.mayHaveInput
    }

    /// Also what comes after TLS has failed: left unread it would make a reset of the close, and cost the peer the alert.
    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Stream.ReadResult {
        if let tls = stream.tls, !tls.isEstablished { return stream.receive(into: buffer) }
        return stream.read(into: buffer)
    }

    private func discardMoreLater() {
        guard !isDiscarding else { return }
        isDiscarding = true
        stream.worker.execute { [self] in
            isDiscarding = false
            proceed()
        }
    }
}
