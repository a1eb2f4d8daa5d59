import WstanBase

/// One connection that a tunnel carries, seen from one side: its near end is a user agent (client) or a target
/// (server). Confined to its worker.
package final class Connection: @unchecked Sendable {
    /// How it ended when it was not the near end that ended it.
    enum Outcome: Equatable {
        case reset(Reset)
        /// The tunnel broke. `nothingReceived`: the peer had not said a word about this connection.
        case lost(nothingReceived: Bool)
    }

    /// Where bytes come from and go to; nil while the target has not answered.
    private(set) var end: (any ByteEnd)?
    /// Where it leads.
    let target: Address?
    private(set) var outcome: Outcome?

    /// Server: what came before the target answered.
    private(set) var held: [UInt8] = []
    /// Server: the task that makes the target's connection.
    var connecting: Task<Void, Never>?
    /// Server: whether that may go on for a client that has left. Nil: it may not.
    var mayPart: (() -> Bool)?

    /// Client: what was sent since the request, while it may have to be sent again; nil once it may not.
    private(set) var replay: [UInt8]?
    private(set) var hasReceived = false
    /// When bytes last went to the near end.
    private(set) var lastDelivery: Instant
    /// Gets the peer's bytes instead of the near end, and writes to it what it likes.
    var filter: ((UnsafeRawBufferPointer) -> Void)?
    /// Client: called when the server has answered an empty DAT, which it does once the target is there.
    var peerAnswered: (() -> Void)?

    private let worker: Worker
    /// Client: an end of the peer is the end, since what it is for has no use for half a connection.
    var endsWithPeer: Bool
    /// Version 2: the peer sends nothing more.
    private(set) var peerHasFinished = false
    /// Called when it has said so.
    private var peerFinished: (() -> Void)?
    /// The client has left in good order; what it said is still on its way to a target that has not answered.
    private(set) var isParting = false
    /// The tunnel has let it go.
    private(set) var isOver = false
    private var news: Wait<Void>?
    private var wordIsDue: Timers.ID?
    private var unanswered = 0
    private var hasPaused = false

    /// - Parameter replay: the first data, if the request may have to be sent again.
    init(
        worker: Worker, end: (any ByteEnd)?, to target: Address? = nil, replay: [UInt8]? = nil,
        endsWithPeer: Bool = false
    ) {
        self.worker = worker
        self.endsWithPeer = endsWithPeer
        self.target = target
        self.end = end
        self.replay = replay
        lastDelivery = worker.now
    }

    /// Waits for the first word of the peer, the target's answer or the end, until the deadline.
    ///
    /// - Returns: false when it is over, also without an outcome: another wait would end at once, and a loop would keep the worker
    ///   for ever.
    func waitForNews(until deadline: Instant? = nil) async -> Bool {
        guard !isOver else { return false }
        let wait = Wait<Void>(worker: worker)
        news = wait
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        if news === wait { news = nil }
        return !isOver
    }

    /// The peer, or the tunnel's own end, has ended it.
    func finish(_ outcome: Outcome) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        abandon()
    }

    /// Version 2: the peer has ended it by a RESET.
    func ended(_ reset: Reset) {
        if reset.isNormal, end == nil, connecting != nil, mayPart?() == true {
            isParting = true
            outcome = .reset(reset)
        } else {
            finish(.reset(reset))
        }
    }

    /// Server: the target has answered after the tunnel had released the connection.
    func leave(to target: Stream) {
        guard isParting else { return target.close() }
        target.write(takeHeld())
        target.closeOrderly(awaitingPeer: false)
        abandon()
    }

    /// The tunnel has let it go: tasks that wait on its behalf are told.
    func abandon() {
        guard !isOver else { return }
        isOver = true
        _ = takeHeld()
        connecting?.cancel()
        connecting = nil
        expectNoWord()
        end?.interruptDrain()
        wake()
    }

    // MARK: Bytes that wait for the target

    /// What they take of memory that flows on only when the target has answered, but for what every tunnel has.
    var stuck: Int { max(0, held.count - MemoryBudget.smallest) }

    func hold(_ bytes: some Collection<UInt8>) {
        let before = stuck
        held.append(bytes, within: TunnelLimits.mostHeldForTarget)
        worker.budget.change(by: bytes.count)
        worker.budget.changeStuck(by: stuck - before)
    }

    func takeHeld() -> [UInt8] {
        defer { held = [] }
        worker.budget.change(by: -held.count)
        worker.budget.changeStuck(by: -stuck)
        return held
    }

    func attach(_ target: any ByteEnd) {
        end = target
        connecting = nil
        if peerHasFinished { target.finish() }
        news?.fulfill(())
    }

    /// Version 2: behind what was delivered the near end gets no more.
    ///
    /// - Returns: whether the other direction is to end as well.
    func finishInput() -> Bool {
        received()
        peerHasFinished = true
        guard !endsWithPeer else { return true }
        end?.finish()
        news?.fulfill(())
        peerFinished?()
        return false
    }

    /// Has `action` called when the peer sends nothing more, or now where that is so.
    func whenPeerFinishes(_ action: @escaping () -> Void) {
        peerFinished = action
        if peerHasFinished { action() }
    }

    // MARK: Bytes that the peer may not have got

    func sent(_ bytes: UnsafeMutableRawBufferPointer) {
        guard !hasReceived else { return }
        unanswered += bytes.count
        guard let count = replay?.count else { return }
        if count + bytes.count > TunnelLimits.replay {
            replay = nil
        } else {
            replay?.append(bytes, within: TunnelLimits.replay)
        }
    }

    /// Client: much was sent, and the peer has not said a word; it is waited for once.
    var mustPause: Bool { !hasReceived && !hasPaused && unanswered > TunnelLimits.opening }

    func pause() async {
        hasPaused = true
        let deadline = worker.now + TunnelLimits.openingPause
        while !hasReceived, worker.now < deadline, await waitForNews(until: deadline) {}
    }

    func received() {
        guard !hasReceived else { return }
        hasReceived = true
        replay = nil
        expectNoWord()
        news?.fulfill(())
    }

    func answered() {
        received()
        peerAnswered?()
    }

    /// Client: `action` is called unless the peer says something, or this ends, within `patience`.
    func expectWord(within patience: Duration, otherwise action: @escaping () -> Void) {
        guard !hasReceived, !isOver else { return }
        wordIsDue = worker.schedule(after: patience) { [weak self] in
            self?.wordIsDue = nil
            action()
        }
    }

    private func expectNoWord() {
        if let wordIsDue { worker.cancel(wordIsDue) }
        wordIsDue = nil
    }

    func deliver(_ bytes: UnsafeRawBufferPointer) {
        received()
        lastDelivery = worker.now
        if let filter { filter(bytes) } else { end?.write(bytes) }
    }

    /// Whoever waits for something of this connection is to look again.
    func wake() {
        end?.interruptReader()
        news?.fulfill(())
    }
}
