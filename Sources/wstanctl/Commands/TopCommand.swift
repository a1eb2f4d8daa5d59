import ArgumentParser
import Glibc
import WstanControl

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Show the tunnels with what flows through each, the busiest first.",
        discussion: """
            Keys: r, t, a, i and n sort by rate, total, age, idle time and number. The arrows, Page Up, Page Down, Home and \
            End scroll. q quits, and the list stays. Where the output is not a terminal, the list is printed once.
            """)

    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Sort by rate, total, age, idle or number.")
    var sort = TunnelOrder.rate
    @Option(help: "Refresh after this time: 500ms, 2s. At least 100ms.")
    var interval: TypedTime = .init(microseconds: 1_000_000)

    private static let leastInterval = 100_000

    func validate() throws {
        guard interval.microseconds >= Self.leastInterval else {
            throw ValidationError("--interval takes 100ms or more")
        }
    }

    func run() throws {
        let daemon = try DaemonClient(daemon)
        if output.json {
            try printLines(daemon)
        } else if Terminal.isInteractive {
            try show(daemon)
        } else {
            let first = try look(daemon, after: nil)
            pause()
            let second = try look(daemon, after: first)
            var whole = Scroll()
            let view = TunnelView(second, title: daemon.instance.title, by: sort)
            let picture = view.picture(height: nil, &whole, now: second.time, manner: Terminal.manner)
            Terminal.say(picture.lines.joined(separator: "\n"))
        }
    }

    private func pause() { usleep(UInt32(clamping: interval.microseconds)) }

    /// One line after each interval.
    private func printLines(_ daemon: DaemonClient) throws(Failure) -> Never {
        var snapshot = try look(daemon, after: nil)
        while true {
            pause()
            snapshot = try look(daemon, after: snapshot)
            Terminal.sayJSON(TopLine(snapshot, by: sort))
        }
    }

    private func look(_ daemon: DaemonClient, after former: TunnelSnapshot?) throws(Failure) -> TunnelSnapshot {
        var conversation = try daemon.begin(ListTunnels.self, .init())
        return TunnelSnapshot(try conversation.list().tunnels, at: Terminal.now, after: former)
    }

    private func show(_ daemon: DaemonClient) throws(Failure) {
        var snapshot = try look(daemon, after: nil)
        var order = sort
        var scroll = Scroll()
        let source = TunnelLooks(daemon, first: snapshot, interval: .microseconds(interval.microseconds)) {
            snapshot = $0
        }
        try Watch.run(source) { key in
            guard case .character(let pressed) = key,
                let wanted = TunnelOrder.allCases.first(where: { $0.key == pressed })
            else { return scroll.press(key) }
            order = wanted
            return scroll.press(.home)
        } draw: { manner, height in
            TunnelView(snapshot, title: daemon.instance.title, by: order)
                .picture(height: height, &scroll, now: Terminal.now, manner: manner)
        }
    }
}

extension TunnelOrder: ExpressibleByArgument {}

/// Lists the tunnels again and again, without waiting for the daemon.
private struct TunnelLooks: NewsSource {
    private let daemon: DaemonClient
    private let interval: Duration
    private let look: (TunnelSnapshot) -> Void
    private var latest: TunnelSnapshot
    private var next: ContinuousClock.Instant
    private var asked: (conversation: Conversation<ListTunnels>, listing: TunnelListing)?

    init(
        _ daemon: DaemonClient, first: TunnelSnapshot, interval: Duration, look: @escaping (TunnelSnapshot) -> Void
    ) {
        self.daemon = daemon
        self.interval = interval
        self.look = look
        latest = first
        next = .now + interval
    }

    var descriptor: Int32 { asked?.conversation.descriptor ?? -1 }

    mutating func take() throws(Failure) -> News {
        guard asked != nil else {
            guard .now >= next else { return .nothing }
            asked = (try daemon.begin(ListTunnels.self, .init()), TunnelListing())
            return .unseen
        }
        guard .now < next + DaemonClient.patience else { throw Failure(.timedOut, of: daemon.instance) }
        switch try asked?.conversation.waiting() {
        case .reply(let reply): asked?.listing.add(reply)
        case .nothing, nil: return .nothing
        case .over: throw Failure(.malformed("a list without an end"), of: daemon.instance)
        }
        guard let listing = asked?.listing, listing.isComplete else { return .unseen }
        asked = nil
        latest = TunnelSnapshot(listing.tunnels, at: Terminal.now, after: latest)
        next = max(next + interval, .now)
        look(latest)
        return .some
    }
}

/// A refresh as JSON.
struct TopLine: Encodable {
    struct Entry: Encodable {
        let tunnel: Control.Tunnel
        let receivedPerSecond: Int
        let sentPerSecond: Int
    }

    let timestampUSec: Int
    /// What the rates are measured over.
    let intervalUSec: Int
    let receivedPerSecond: Int
    let sentPerSecond: Int
    let tunnels: [Entry]

    init(_ snapshot: TunnelSnapshot, by order: TunnelOrder) {
        timestampUSec = snapshot.time
        intervalUSec = snapshot.interval
        let total = snapshot.total ?? Flow()
        (receivedPerSecond, sentPerSecond) = (total.received, total.sent)
        tunnels = order.sorted(snapshot).map { tunnel in
            let flow = snapshot.flows[tunnel.id] ?? Flow()
            return Entry(tunnel: tunnel, receivedPerSecond: flow.received, sentPerSecond: flow.sent)
        }
    }
}
