import Logging
import WstanBase

/// What a server logs.
extension EventLog {
    /// Anybody can cause these, so those of one client and minute are gathered.
    ///
    /// - Parameter key: whose request it is, where that is known.
    /// - Returns: when `logGathered` has something to log of it; nil when it is logged already, or not at all.
    func requestRefused(_ refusal: Refusal, peer: ClientAddress, key: KeyName? = nil, now: Instant) -> Instant? {
        let traits = refusal.traits
        guard logger.logLevel <= traits.level else { return nil }
        if let later = gather(traits.code, traits.level, of: peer.source.description, now: now) { return later }
        var metadata: Logger.Metadata = ["peer": "\(peer)", "reason": "\(traits.code)"]
        if let seconds = refusal.clockAhead { metadata["client-clock-ahead"] = "\(seconds.rounded())s" }
        if case .wire(.incompleteUpgrade(let parts)) = refusal { metadata["lacking"] = "\(parts.joined(separator: ","))" }
        if case .overLimit(let bound) = refusal { metadata["limit"] = "\(bound.rawValue)" }
        metadata.add(key)
        if let id = traits.id { metadata = .of(id, metadata) }
        logger.log(level: traits.level, "\(traits.text)", metadata: metadata)
        return nil
    }

    /// - Parameters:
    ///   - rule: a key of the configuration.
    ///   - key: whose tunnel it is.
    /// - Returns: as `requestRefused`.
    func targetForbidden(
        _ tunnel: UInt64, _ target: Address, rule: String, peer: ClientAddress, key: KeyName? = nil, now: Instant
    ) -> Instant? {
        logger.debug(
            "forbidden", metadata: ["tunnel": "\(tunnel)", "target": "\(target)", "key": "\(rule)"])
        guard logger.logLevel <= .notice else { return nil }
        let source = peer.source.description
        if let later = gather("forbidden-target by \(rule)", .notice, of: source, now: now) { return later }
        var metadata: Logger.Metadata = [
            "tunnel": "\(tunnel)", "peer": "\(peer)", "reason": "forbidden-target", "key": "\(rule)",
        ]
        metadata.add(key)
        logger.notice("a target was refused by the rules", metadata: .of(.targetRefused, metadata))
        return nil
    }

    /// All clients behind that peer count as one, for limits and in the log.
    func forwardedForIgnored(_ peer: ClientAddress, now: Instant) {
        guard let missed = throttle.allows("forwarded-for", every: .seconds(3600), now: now) else { return }
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        metadata.addRepeated(missed)
        logger.notice(
            "X-Forwarded-For is ignored, since its sender is not in trusted-proxies: add it if it is a front of yours",
            metadata: metadata)
    }

    /// Only clients with a key can cause this.
    ///
    /// - Parameters:
    ///   - key: whose name has filled its share.
    ///   - holder: whose requests take the most, which may be another's.
    func seenRequestsFull(_ key: KeyName?, holder: ReplayShares.Holder, now: Instant) {
        guard let missed = throttle.allows("seen-full \(key?.text ?? "")", every: .seconds(60), now: now) else { return }
        var metadata: Logger.Metadata = ["limit": "\(ServerLimits.seenRequests)", "refused": "\(missed + 1)"]
        metadata.add(key)
        let advice: String
        switch holder {
        case .formerRelease: advice = "requests that the former release had accepted take the most room until they expire"
        case .name(let name?) where name != key:
            advice = "find the client of the key \(name) that opens so many"
        case .name: advice = "find the client that opens so many"
        }
        logger.error(
            "no more requests of a key can be remembered, so its new tunnels are refused: \(advice)",
            metadata: .of(.limitReached, metadata))
    }

    func tunnelOpened(_ tunnel: UInt64, peer: ClientAddress, key: KeyName?) {
        var metadata: Logger.Metadata = ["tunnel": "\(tunnel)", "peer": "\(peer)"]
        metadata.add(key)
        logger.info("tunnel opened", metadata: metadata)
    }

    /// - Parameters:
    ///   - key: whose tunnel it was.
    ///   - wasIdle: it carried nothing, so that nothing was lost.
    func tunnelGaveWay(_ tunnel: UInt64, key: KeyName?, wasIdle: Bool) {
        var metadata: Logger.Metadata = ["tunnel": "\(tunnel)", "idle": wasIdle ? "yes" : "no"]
        metadata.add(key)
        logger.info("tunnel closed to make room for another key", metadata: metadata)
    }

    /// As often as a pause of accepting is told.
    func descriptorsScarce(now: Instant) {
        guard let missed = throttle.allows("accept", now: now) else { return }
        logger.warning(
            "new tunnels are refused: too few descriptors are left; raise LimitNOFILE=, ulimit -n, or the limit of its container",
            metadata: .of(.limitReached, ["repeated": "\(missed)"]))
    }

    func tunnelEnded(_ tunnel: UInt64) {
        logger.info("tunnel ended", metadata: ["tunnel": "\(tunnel)"])
    }

    func targetConnected(_ tunnel: UInt64, _ target: Address) {
        logger.debug("connected", metadata: ["tunnel": "\(tunnel)", "target": "\(target)"])
    }

    func targetFailed(_ tunnel: UInt64, _ target: Address, _ failure: Connector.Failure) {
        logger.info("no connection to a target", metadata: ["tunnel": "\(tunnel)", "reason": "\(failure)"])
        logger.debug("no connection", metadata: ["tunnel": "\(tunnel)", "target": "\(target)"])
    }
}

extension Logger.Metadata {
    /// Whose key it is; `key` is a key of the configuration.
    fileprivate mutating func add(_ key: KeyName?) {
        if let key { self["key-name"] = "\(key)" }
    }
}
