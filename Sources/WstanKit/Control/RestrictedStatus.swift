import WstanControl

// What of a status is left out for whom.

extension GetStatus.Reply {
    /// - Parameter standing: of who is told.
    package func visible(to standing: ControlAuthority.Standing) -> GetStatus.Reply {
        standing == .stranger ? forStrangers : self
    }

    /// For the service manager, which shows it to every user of this host. Names of keys are names of people, and an id is enough to
    /// try weak passphrases against. The path of a URI may be what keeps others from finding the server.
    package var withoutSecrets: GetStatus.Reply {
        var visible = self
        visible.configurationErrors = nil
        visible.warnings = nil
        visible.keys = nil
        visible.keyCount = nil
        visible.refusedKeys = refusedKeys.map { _ in [] }
        visible.servers = servers?.map(\.withoutPath)
        visible.certificate?.file = nil
        visible.certificate?.refusal = certificate?.refusal.map { _ in "the files as they are now cannot be used" }
        visible.restricted = true
        return visible
    }

    /// Whether it works, and how much it does, roughly: no URI and no address, and no number by which a user of this host could
    /// follow the traffic of another one.
    private var forStrangers: GetStatus.Reply {
        var visible = withoutSecrets
        visible.statusText = mode.rawValue
        visible.listeners = []
        visible.replacedListen = replacedListen.map { _ in [] }
        visible.withoutTLS = withoutTLS.map { _ in [] }
        visible.servers = servers?.map(\.forStrangers)
        if certificate?.names.isEmpty == false { visible.certificate?.names = [Self.hidden] }
        visible.certificate?.mismatchedHost = certificate?.mismatchedHost.map { _ in Self.hidden }
        visible.tunnelsActive = tunnelsActive.rounded()
        visible.tunnelsTotal = tunnelsTotal.rounded()
        visible.bytesReceived = bytesReceived.rounded(from: 1_000_000)
        visible.bytesSent = bytesSent.rounded(from: 1_000_000)
        visible.droppedDatagrams = droppedDatagrams?.rounded()
        visible.impostors = impostors?.rounded()
        visible.unproven = unproven?.rounded()
        if let pool {
            visible.pool = Control.Pool(
                size: pool.size, idle: pool.idle.rounded(), opening: pool.opening.rounded(), hits: pool.hits.rounded(),
                misses: pool.misses.rounded(), rttUSec: pool.rttUSec.flatMap(\.roundedTime))
        }
        if let rejects {
            var shown = rejects
            for field in Control.Rejects.Field.allCases { shown[field] = rejects[field].rounded() }
            visible.rejects = shown
        }
        return visible
    }

    fileprivate static let hidden = "(hidden)"
}

extension Control.Server {
    /// The cause may name an address; its code does not.
    fileprivate var forStrangers: Control.Server {
        var visible = self
        visible.uri = GetStatus.Reply.hidden
        visible.cause = cause.map { _ in code ?? "a failure" }
        visible.advice = nil
        visible.carrierCause = nil
        visible.lastSuccessTimestampUSec = nil
        visible.lastFailureTimestampUSec = nil
        visible.tunnels = tunnels.rounded()
        visible.rttUSec = rttUSec.flatMap(\.roundedTime)
        return visible
    }
}

extension Int {
    /// Down to two digits, and to no less than a multiple of `step`.
    fileprivate func rounded(from step: Int = 1) -> Int {
        var step = step
        while self / step >= 100 { step *= 10 }
        return self / step * step
    }

    /// Of microseconds, in milliseconds; nil for less than one, which is not none.
    fileprivate var roundedTime: Int? {
        let time = rounded(from: 1000)
        return time == 0 ? nil : time
    }
}
