/// A server's clock as its authenticated answers tell it (protocol-v2.md section 4.2): by how much requests are
/// corrected. A value.
struct ServerClock {
    /// The server's time less ours, in milliseconds; 0 where they are close.
    private(set) var offset: Int64 = 0

    /// Below it nothing is corrected.
    private static let notable: Int64 = 2_000
    /// An answer that took longer tells too little.
    private static let longestRoundTrip: UInt64 = 2_000

    /// - Parameters:
    ///   - time: what the server has said.
    ///   - asked: by our clock, as it is.
    mutating func told(_ time: WireTime, asked: WireTime, answered: WireTime) {
        guard answered >= asked, asked.distance(to: answered) < Self.longestRoundTrip else { return }
        let middle = asked.advanced(by: asked.distance(to: answered) / 2)
        let distance = Int64(clamping: middle.distance(to: time))
        offset = distance <= Self.notable ? 0 : time > middle ? distance : -distance
    }

    /// The server's time.
    func time(_ now: WireTime) -> WireTime {
        if offset >= 0 { return now.advanced(by: offset.magnitude) }
        return WireTime(milliseconds: now.milliseconds - min(now.milliseconds, offset.magnitude))
    }
}
