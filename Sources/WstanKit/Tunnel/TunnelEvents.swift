import Logging
import WstanBase

/// What both ends of a tunnel log.
extension EventLog {
    /// - Parameter peer: at a server, the client.
    func tunnelRefused(_ tunnel: UInt64, _ error: WireError, peer: String? = nil, now: Instant) {
        guard let missed = throttle.allows("tunnel-" + error.code, now: now) else { return }
        var metadata: Logger.Metadata = ["tunnel": "\(tunnel)", "reason": "\(error.code)"]
        if let peer { metadata["peer"] = "\(peer)" }
        metadata.addRepeated(missed)
        logger.notice("a message on a tunnel was refused; the tunnel is closed", metadata: metadata)
    }

    /// - Parameter isDirect: without the tunnel.
    func associationEnded(_ traffic: DatagramTraffic, isDirect: Bool = false) {
        logger.debug(
            isDirect ? "an association's direct datagrams ended" : "an association for datagrams ended",
            metadata: ["up": "\(traffic.up)", "down": "\(traffic.down)", "dropped": "\(traffic.dropped)"])
    }
}
