/// One connection that a tunnel carries, seen from one side: its near end is a user agent (client) or a target (server).
/// Confined to its worker.
final class Connection: @unchecked Sendable {
    /// How it ended when it was not the near end that ended it.
    enum Outcome: Equatable {
        case reset(Reset)
        /// The tunnel broke. `nothingReceived`: the peer had not said a word about this connection.
        case lost(nothingReceived: Bool)
    }

    /// Where bytes come from and go to; nil while the target has not answered.
    var end: Stream?
    var outcome: Outcome?

    /// Server: what came before the target answered.
    var held: [UInt8] = []
    /// Server: the client wants to be told when the target has answered.
    var wantsAnswer = false
    /// Server: the task that makes the target's connection.
    var connecting: Task<Void, Never>?

    /// Client: what was sent since the request, while it may have to be sent again; nil once it may not.
    var replay: [UInt8]?
    var hasReceived = false
    /// Client: bytes sent while the peer has not said a word about this connection.
    private var unanswered = 0
    var mayFloodPeer: Bool { !hasReceived && unanswered > TunnelLimits.opening && !hasPaused }
    private var hasPaused = false
    /// When bytes last went to the near end.
    var lastDelivery: Instant

    private let worker: Worker
    private var news: Wait<Void>?
    private var connected: UnsafeContinuation<Void, Never>?

    /// - Parameter replay: the first data, if the request may have to be sent again.
    init(worker: Worker, end: Stream?, replay: [UInt8]? = nil) {
        self.worker = worker
        self.end = end
        self.replay = replay
        lastDelivery = worker.now
    }

    /// Waits for the first word of the peer or for the outcome, until the deadline.
    func waitForNews(until deadline: Instant) async {
        guard outcome == nil else { return }
        let wait = Wait<Void>(worker: worker)
        news = wait
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        news = nil
    }

    func finish(_ outcome: Outcome) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        connecting?.cancel()
        end?.interruptReader()
        news?.fulfill(())
        resumeConnected()
    }

    /// Waits for the peer's first word, but not for ever, and only once.
    func pauseForPeer() async {
        hasPaused = true
        let deadline = worker.now + TunnelLimits.openingPause
        while !hasReceived, outcome == nil, worker.now < deadline { await waitForNews(until: deadline) }
    }

    // MARK: Bytes that wait for the target

    func hold(_ bytes: UnsafeMutableRawBufferPointer) {
        held.append(contentsOf: bytes)
        worker.budget.hold(bytes.count)
    }

    func takeHeld() -> [UInt8] {
        defer { held = [] }
        worker.budget.release(held.count)
        return held
    }

    func attach(_ target: Stream) {
        end = target
        connecting = nil
        resumeConnected()
    }

    /// Waits until the target has answered or the connection is over.
    func waitConnected() async {
        guard end == nil, outcome == nil else { return }
        await withUnsafeContinuation { connected = $0 }
    }

    /// Ends the wait for the target's answer, if there is one.
    func resumeConnected() {
        guard let waiting = connected else { return }
        connected = nil
        waiting.resume()
    }

    // MARK: Bytes that may have to be sent again

    func sent(_ bytes: UnsafeMutableRawBufferPointer) {
        if !hasReceived { unanswered += bytes.count }
        guard let count = replay?.count else { return }
        if count + bytes.count > TunnelLimits.replay { replay = nil } else { replay?.append(contentsOf: bytes) }
    }

    func received() {
        guard !hasReceived else { return }
        hasReceived = true
        replay = nil
        news?.fulfill(())
    }
}
