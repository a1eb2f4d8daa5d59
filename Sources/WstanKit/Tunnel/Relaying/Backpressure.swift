import WstanBase

/// Back-pressure between the two sides of a connection.
enum Backpressure {
    /// Waits until `sink` has taken everything, with an eye on where it comes from.
    ///
    /// - Returns: false when it is not wanted any more, or `source` is gone. A source that has finished in good order, or whose
    ///   owner on this host has left, is waited for: what it sent before is still to be delivered. It is given up when nothing
    ///   has moved for long and the peer of `sink` is dead, or nobody is left who could want it.
    static func waitUntilSent(
        into sink: any ByteEnd, from source: any ByteEnd, while isWanted: () -> Bool
    ) async -> Bool {
        let worker = sink.worker
        source.onPeerGone = { [weak sink] in sink?.interruptDrain() }
        defer { source.onPeerGone = nil }
        var left = Int.max
        var lastProgress = worker.now
        while sink.pendingCount > 0 {
            guard isWanted(), !source.isGone else { return false }
            let now = sink.pendingCount + sink.unacknowledgedCount
            if now < left { lastProgress = worker.now }
            left = now
            let stillness = worker.now - lastProgress
            if stillness >= TunnelLimits.stalled, source.ownerHasLeft { return false }
            if stillness >= TunnelLimits.stalledForLong, source.peerHasFinished, !sink.peerIsAlive(since: lastProgress)
            {
                return false
            }
            await sink.waitDrained(until: worker.now + TunnelLimits.stalledStep)
        }
        return isWanted()
    }
}
