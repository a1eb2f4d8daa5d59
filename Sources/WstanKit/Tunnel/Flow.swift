/// Back-pressure between the two sockets of a tunnel.
enum Flow {
    /// Waits until `sink` has taken everything, with an eye on where it comes from.
    ///
    /// - Returns: false when it is not wanted any more, when `source` is gone, or when it has finished and nothing has
    ///   moved for a while: what it sent before is still to be delivered, but not for ever.
    static func isThrough(into sink: Stream, from source: Stream, while isWanted: () -> Bool) async -> Bool {
        let worker = sink.worker
        source.attention = { [weak sink] in sink?.interruptDrain() }
        defer { source.attention = nil }
        var left = Int.max
        var lastProgress = worker.now
        while sink.pendingCount > 0 {
            guard isWanted(), !source.isGone else { return false }
            let now = sink.pendingCount + sink.unacknowledgedCount
            if now < left { lastProgress = worker.now }
            left = now
            let isStuck = worker.now >= lastProgress + TunnelLimits.stalled
            if isStuck, source.peerHasFinished || source.ownerHasLeft { return false }
            await sink.waitDrained(until: worker.now + TunnelLimits.stalledStep)
        }
        return isWanted()
    }
}
