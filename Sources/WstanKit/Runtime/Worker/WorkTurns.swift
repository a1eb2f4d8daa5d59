import WstanBase

/// What strangers make a worker compute: signatures, and tags that may fit none of many keys. It has a share of the time
/// and no more, so that the tunnels come first, and it is dealt out to the sources in turn. Confined to its worker.
package final class WorkTurns: @unchecked Sendable {
    /// Of one go. One piece of work may go beyond it.
    static let allowance: Duration = .microseconds(500)

    private unowned let worker: Worker
    /// How much longer than a go the pause behind it is; 0: only the other tasks of the worker are let through.
    private let rest: Int
    private var queue = TurnQueue<Wait<Bool>>()
    /// In this go.
    private var spent: Duration = .zero
    /// The turn of the loop in which it began.
    private var turn: UInt64 = 0
    /// When the piece of work began that is being done, or is about to be.
    private var began: Instant?
    private var isResting = false

    init(worker: Worker, rest: Int = 0) {
        self.worker = worker
        self.rest = rest
    }

    /// Waits for a turn. Then `end` must be called, before anything else is awaited.
    ///
    /// - Parameters:
    ///   - deadline: when the wait ends without a turn; nil: never.
    ///   - stream: whose work it is; the wait ends without a turn as soon as that is gone. Its `onPeerGone` is used for it.
    /// - Returns: false when there is no turn: `end` must not be called then.
    @discardableResult
    func begin(for source: Party, until deadline: Instant? = nil, unlessGone stream: Stream? = nil) async -> Bool {
        renew()
        if began != nil || isResting || spent >= Self.allowance {
            // One that ended early stays in the queue until its turn: it holds nothing.
            let wait = Wait<Bool>(worker: worker)
            queue.add(wait, of: source)
            if began == nil { goOnLater() }
            stream?.onPeerGone = { [weak stream] in if stream?.isGone != false { wait.fulfill(false) } }
            defer { stream?.onPeerGone = nil }
            guard await wait.value(deadline: deadline, onTimeout: false, onCancel: false) else { return false }
        }
        began = .now()
        return true
    }

    func end() {
        guard let began else { return }
        self.began = nil
        spent = spent + (Instant.now() - began)
        if spent >= Self.allowance, rest > 0 || !queue.isEmpty { goOnLater() } else { goOn() }
    }

    /// Without a rest each turn of the loop begins another go.
    private func renew() {
        guard rest == 0, turn != worker.turn, !isResting else { return }
        turn = worker.turn
        spent = .zero
    }

    private func goOn() {
        guard began == nil else { return }
        while let next = queue.next() {
            guard next.fulfill(true) else { continue }
            // From now on, though others may come before it.
            began = worker.now
            return
        }
    }

    private func goOnLater() {
        guard !isResting else { return }
        isResting = true
        if rest > 0 {
            _ = worker.schedule(after: spent * rest) { [self] in goOnRested() }
        } else {
            // Behind the events of the next turn, so that tunnels which have something to do are before it.
            worker.execute { [self] in goOnRested() }
        }
    }

    private func goOnRested() {
        isResting = false
        spent = .zero
        turn = worker.turn
        goOn()
    }
}
