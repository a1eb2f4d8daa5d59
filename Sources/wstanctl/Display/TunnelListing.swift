import WstanControl

/// The tunnels that a daemon has told of, as they are now.
struct TunnelListing {
    /// All that were there at the beginning have been told.
    private(set) var isComplete = false
    private var byID: [Int: Control.Tunnel] = [:]

    @discardableResult
    mutating func add(_ reply: ListTunnels.Reply) -> Flow {
        if reply.event == .synchronized { isComplete = true }
        guard let tunnel = reply.tunnel else { return Flow() }
        let former = byID[tunnel.id]
        switch reply.event {
        case .removed: byID[tunnel.id] = nil
        case .listed, .added, .changed, .synchronized, nil: byID[tunnel.id] = tunnel
        }
        return former.map { Flow(from: $0, to: tunnel) } ?? Flow()
    }

    /// Those in use first, and the newest last.
    var tunnels: [Control.Tunnel] {
        byID.values.sorted { a, b in
            let (isIdle, isOtherIdle) = (a.state == .idle, b.state == .idle)
            return isIdle == isOtherIdle ? a.id < b.id : isOtherIdle
        }
    }
}

/// Bytes in both directions: what has flowed, or what flows in a second.
struct Flow: Equatable {
    var received = 0
    var sent = 0

    init(received: Int = 0, sent: Int = 0) {
        self.received = received
        self.sent = sent
    }

    /// What a tunnel carried between two looks.
    init(from former: Control.Tunnel, to latter: Control.Tunnel) {
        received = max(0, Amount.difference(latter.bytesReceived, former.bytesReceived))
        sent = max(0, Amount.difference(latter.bytesSent, former.bytesSent))
    }

    /// What daemons tell may be anything.
    static func + (a: Flow, b: Flow) -> Flow {
        Flow(received: clamped(a.received, b.received), sent: clamped(a.sent, b.sent))
    }

    private static func clamped(_ a: Int, _ b: Int) -> Int {
        let (sum, overflows) = a.addingReportingOverflow(b)
        return overflows ? .max : sum
    }

    var total: Int { Self.clamped(received, sent) }

    /// - Parameter interval: in microseconds.
    func perSecond(within interval: Int) -> Flow {
        Flow(
            received: Amount.perSecond(received, within: interval), sent: Amount.perSecond(sent, within: interval))
    }

    /// `in 4.0 MB/s, out 1 B/s`
    var text: String { "in \(Amount.bytes(received))/s, out \(Amount.bytes(sent))/s" }
}

/// What flows through all tunnels that are followed, by the second.
struct TrafficMeter {
    /// In a second; nil: not known yet.
    private(set) var flow: Flow?

    private var growth = Flow()
    private var since: Int

    init(now: Int) {
        since = now
    }

    mutating func add(_ more: Flow) {
        growth = growth + more
    }

    mutating func tick(now: Int) {
        let passed = Amount.difference(now, since)
        guard passed >= 1_000_000 || passed < 0 else { return }
        flow = passed > 0 ? growth.perSecond(within: passed) : nil
        growth = Flow()
        since = now
    }
}

/// All tunnels at one moment, and what flows since the look before.
struct TunnelSnapshot {
    /// Microseconds since 1970.
    let time: Int
    let tunnels: [Control.Tunnel]
    /// In a second, by the tunnels' numbers; empty at the first look. What was not there before has not flowed.
    let flows: [Int: Flow]
    /// Since the look before, in microseconds; 0 at the first one.
    let interval: Int

    init(_ tunnels: [Control.Tunnel], at time: Int, after former: TunnelSnapshot? = nil) {
        self.time = time
        self.tunnels = tunnels
        let interval = former.map { max(0, Amount.difference(time, $0.time)) } ?? 0
        self.interval = interval
        guard let former, interval > 0 else {
            flows = [:]
            return
        }
        let before = Dictionary(former.tunnels.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        flows = tunnels.reduce(into: [:]) { flows, tunnel in
            guard let known = before[tunnel.id] else { return }
            flows[tunnel.id] = Flow(from: known, to: tunnel).perSecond(within: interval)
        }
    }

    /// Through all of them; nil at the first look.
    var total: Flow? { interval > 0 ? flows.values.reduce(Flow(), +) : nil }
}

/// The order of a list of tunnels.
enum TunnelOrder: String, CaseIterable {
    /// The most first.
    case rate, total
    /// The longest first.
    case age, idle
    /// The smallest first.
    case number

    /// What is pressed for it.
    var key: Character { rawValue.first ?? "?" }

    func sorted(_ snapshot: TunnelSnapshot) -> [Control.Tunnel] {
        snapshot.tunnels.sorted { a, b in
            let (mine, theirs) = (rank(a, snapshot), rank(b, snapshot))
            return mine == theirs ? a.id < b.id : mine > theirs
        }
    }

    private func rank(_ tunnel: Control.Tunnel, _ snapshot: TunnelSnapshot) -> Int {
        switch self {
        case .rate: snapshot.flows[tunnel.id]?.total ?? 0
        case .total: Flow(received: tunnel.bytesReceived, sent: tunnel.bytesSent).total
        case .age: Amount.difference(snapshot.time, tunnel.startTimestampUSec)
        case .idle: Amount.difference(snapshot.time, tunnel.lastActivityTimestampUSec)
        case .number: 0
        }
    }
}
