import WstanControl

/// The tunnels that a daemon has told of, as they are now.
struct TunnelListing {
    /// All that were there at the beginning have been told.
    private(set) var isComplete = false
    private var byID: [Int: Control.Tunnel] = [:]

    /// What it carried more than when it was last told of.
    struct Growth: Equatable {
        var received = 0
        var sent = 0
    }

    @discardableResult
    mutating func add(_ reply: ListTunnels.Reply) -> Growth {
        if reply.event == .synchronized { isComplete = true }
        guard let tunnel = reply.tunnel else { return Growth() }
        let former = byID[tunnel.id]
        switch reply.event {
        case .removed: byID[tunnel.id] = nil
        case .listed, .added, .changed, .synchronized, nil: byID[tunnel.id] = tunnel
        }
        guard let former else { return Growth() }
        return Growth(
            received: max(0, Amount.difference(tunnel.bytesReceived, former.bytesReceived)),
            sent: max(0, Amount.difference(tunnel.bytesSent, former.bytesSent)))
    }

    /// Those in use first, and the newest last.
    var tunnels: [Control.Tunnel] {
        byID.values.sorted { a, b in
            let (isIdle, isOtherIdle) = (a.state == .idle, b.state == .idle)
            return isIdle == isOtherIdle ? a.id < b.id : isOtherIdle
        }
    }
}

/// What flows through all of them, by the second.
struct TrafficMeter {
    private(set) var received = 0
    private(set) var sent = 0
    /// How long the above took to come, in microseconds; 0 as long as nobody knows.
    private(set) var interval = 0

    private var growth = TunnelListing.Growth()
    private var since: Int

    init(now: Int) {
        since = now
    }

    mutating func add(_ more: TunnelListing.Growth) {
        growth.received = growth.received.addingReportingOverflow(more.received).partialValue
        growth.sent = growth.sent.addingReportingOverflow(more.sent).partialValue
    }

    mutating func tick(now: Int) {
        let passed = Amount.difference(now, since)
        guard passed >= 1_000_000 || passed < 0 else { return }
        (received, sent, interval) = (growth.received, growth.sent, passed)
        growth = .init()
        since = now
    }
}

/// The list on a whole screen.
struct TunnelView {
    private let tunnels: [Control.Tunnel]
    private let title: String
    private let meter: TrafficMeter

    init(_ tunnels: [Control.Tunnel], title: String, meter: TrafficMeter) {
        self.tunnels = tunnels
        self.title = title
        self.meter = meter
    }

    func lines(height: Int, now: Int, manner: Manner) -> [String] {
        var lines = [fitted(head, manner), ""] + TunnelTable(tunnels, now: now, manner: manner).lines
        if lines.count > height, height > 3 {
            let hidden = lines.count - height + 1
            lines = lines.dropLast(hidden) + [fitted("and \(hidden) more", manner)]
        }
        if lines.indices.contains(0) { lines[0] = manner.strong(lines[0]) }
        return lines
    }

    private var head: String {
        let used = tunnels.count { $0.state != .idle }
        var text = "\(Printable.text(title)): \(Amount.count(tunnels.count, "tunnel")), \(used) in use"
        if meter.interval > 0 {
            text +=
                "; in \(Amount.rate(meter.received, since: 0, within: meter.interval)), out "
                + Amount.rate(meter.sent, since: 0, within: meter.interval)
        }
        return text
    }

    private func fitted(_ line: String, _ manner: Manner) -> String {
        manner.width.map { Printable.cut(line, to: $0, mark: manner.mark) } ?? line
    }
}
