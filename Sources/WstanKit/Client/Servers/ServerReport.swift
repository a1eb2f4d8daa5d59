import WstanBase

/// What there is to say of one of a client's servers at one moment: what its workers have found out, and what they hear on
/// tunnels that are open.
package struct ServerReport: Sendable, Equatable {
    /// What a connection that is made now would find.
    package enum Standing: Sendable, Equatable {
        case reachable(since: Instant)
        /// Nothing was tried, or nothing was heard since the last success. The failure is that of a try that proves nothing.
        case unknown(DialFailure?)
        case unreachable(since: Instant, DialFailure)
    }

    package var link = ServerLink()
    /// New connections go there.
    package var isUsed = false
    /// A try has not been answered yet.
    package var isTrying = false
    /// Open to it.
    package var tunnels = 0
    /// On one of these.
    package var lastHeard: Instant?
    /// Whether something was heard within the time in which a live server is heard of.
    package var isHeard = false
    /// As TCP measures it; nil without tunnels.
    package var roundTrip: Duration?
    /// What the next request of version 2 rides in.
    package var carrier: RequestCarrier?
    /// By which it came to ride in that, with `carrier = auto`.
    package var carrierChange: CarrierChange?

    package init(
        link: ServerLink = ServerLink(), isUsed: Bool = false, isTrying: Bool = false, tunnels: Int = 0,
        lastHeard: Instant? = nil,
        isHeard: Bool = false, roundTrip: Duration? = nil, carrier: RequestCarrier? = nil,
        carrierChange: CarrierChange? = nil
    ) {
        self.link = link
        self.isUsed = isUsed
        self.isTrying = isTrying
        self.tunnels = tunnels
        self.lastHeard = lastHeard
        self.isHeard = isHeard
        self.roundTrip = roundTrip
        self.carrier = carrier
        self.carrierChange = carrierChange
    }

    /// Of two workers, which share what they know of the link.
    package static func + (a: ServerReport, b: ServerReport) -> ServerReport {
        ServerReport(
            link: b.link, isUsed: a.isUsed || b.isUsed, isTrying: a.isTrying || b.isTrying,
            tunnels: a.tunnels + b.tunnels,
            lastHeard: [a.lastHeard, b.lastHeard].compactMap { $0 }.max(), isHeard: a.isHeard || b.isHeard,
            roundTrip: [a.roundTrip, b.roundTrip].compactMap { $0 }.min(), carrier: b.carrier ?? a.carrier,
            carrierChange: b.carrierChange ?? a.carrierChange)
    }

    package var standing: Standing {
        switch link.state {
        case .lost(let since, let failure): .unreachable(since: since, failure)
        case .doubtful(_, let failure): .unknown(failure)
        case .reached(let since): isHeard ? .reachable(since: since) : .unknown(nil)
        case .untried: .unknown(nil)
        }
    }

    /// The last sign of life.
    package var lastSuccess: Instant? { [link.lastSuccess, link.lastHeard, lastHeard].compactMap { $0 }.max() }
}

extension Dialer {
    /// One for each server, in their order.
    var serverReports: [ServerReport] {
        var reports = servers.endpoints.indices.map { number in
            let link = servers.links.link(servers.firstMark + number)
            // Without a tunnel nothing more is heard.
            let interval = min(options.pings.idle, options.pings.inUse)
            return ServerReport(
                link: link, isUsed: number == servers.firstChoice, isTrying: servers.isTrying(number),
                isHeard: link.lastSuccess.map { isRecent($0, interval) } ?? false,
                carrier: key.isOfVersion2 ? carrier(for: number) : nil,
                carrierChange: key.isOfVersion2 && options.carrier == .auto ? link.carriers.change : nil)
        }
        for tunnel in pool.tunnels.values {
            let number = tunnel.mark - servers.firstMark
            guard reports.indices.contains(number) else { continue }
            guard !tunnel.isClosing else {
                reports[number].lastHeard = max(reports[number].lastHeard ?? tunnel.opened, tunnel.stream.lastReceived)
                continue
            }
            let interval = tunnel.isIdle ? options.pings.idle : options.pings.inUse
            let roundTrip = tunnel.stream.roundTrip
            reports[number] =
                reports[number]
                + ServerReport(
                    link: reports[number].link, tunnels: 1, lastHeard: tunnel.stream.lastReceived,
                    isHeard: isRecent(tunnel.stream.lastReceived, interval),
                    roundTrip: roundTrip > .zero ? roundTrip : nil)
        }
        return reports
    }

    /// Whether a server that was heard of then, and is asked at this interval, would not have answered meanwhile.
    private func isRecent(_ time: Instant, _ interval: Duration) -> Bool {
        worker.now - time < interval + TunnelPool.pongAllowance
    }
}
