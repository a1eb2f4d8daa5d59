import WstanBase

/// How long the peer's reset is awaited. It travels behind its data, and ours behind what the network has not taken: it
/// may take its time as long as something moves, up to a bound. Confined to its worker.
final class ResetDeadline {
    private let stream: Stream
    private var timer: Timers.ID?

    /// To be made when our own reset has been sent. A stream that comes to no end is aborted.
    init(_ stream: Stream) {
        self.stream = stream
        wait(since: stream.worker.now, left: .max)
    }

    func cancel() {
        if let timer { stream.worker.cancel(timer) }
        timer = nil
    }

    private func wait(since began: Instant, left: Int) {
        let worker = stream.worker
        let checkedAt = worker.now
        timer = worker.schedule(after: TunnelLimits.resetting) { [weak self] in
            guard let self else { return }
            let now = stream.pendingCount + stream.unacknowledgedCount
            let moves = now < left || stream.lastReceived > checkedAt
            guard moves, worker.now < began + TunnelLimits.resettingAtMost else { return stream.abort() }
            wait(since: began, left: now)
        }
    }
}
