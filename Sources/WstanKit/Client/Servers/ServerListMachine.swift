import WstanBase

/// Which of several servers new tunnels go to: the first that works, in the order in which they are preferred. Events
/// go in, what to do comes out; the clock and the connections are the caller's. Servers go by their number.
///
/// One that has failed is out for a while, and longer each time; then it is tried by a connection of its own, which no
/// user waits for. One that has not answered for a second is passed over by new connections until it answers.
struct ServerListMachine {
    /// Where new tunnels go has changed.
    enum Change: Equatable {
        /// The servers before this one do not work.
        case fellBack(to: Int)
        /// This one, which is preferred to the one used so far, works again.
        case returned(to: Int)
    }

    /// How long a try has a server for itself before the next one is tried beside it.
    static let patience: Duration = .seconds(1)
    static let firstPause: Duration = .seconds(5)
    static let longestPause: Duration = .seconds(300)
    /// A server that has failed for longer is not being restarted.
    static let longestRestart: Duration = .seconds(60)

    private enum Condition {
        /// Presumed, or known, to work. Can become: down.
        case good
        /// Out, to be probed at the end of its pause. Can become: probing, good.
        case down
        /// Can become: down, good.
        case probing
    }

    private struct Server {
        var condition = Condition.good
        /// A handshake has been accepted since its last failure.
        var isProven = false
        /// Tries under way, and since when none of them has heard anything.
        var pending = 0
        var silentSince: Instant?
        /// The last pause, and when it is over; nil once a handshake has been accepted.
        var pause: (length: Duration, until: Instant)?
        /// A handshake has been accepted, ever.
        var hasWorked = false
        var failingSince: Instant?
        /// The last failure looked like one of a restart.
        var looksRestarting = false

        func isSilent(_ now: Instant) -> Bool {
            silentSince.map { $0 + ServerListMachine.patience <= now } ?? false
        }
    }

    private var servers: [Server]
    /// The one on which the last tunnel was opened.
    private var current = 0
    private var jitter: Jitter

    init(count: Int, jitter: Jitter = .none) {
        self.jitter = jitter
        servers = Array(repeating: Server(), count: count)
    }

    var count: Int { servers.count }

    /// Every server, in the order in which one connection tries them: those that are silent after those that are not,
    /// those that are out at the end.
    func order(_ now: Instant) -> [Int] {
        func place(_ server: Server) -> Int {
            switch server.condition {
            case .good: server.isSilent(now) ? 1 : 0
            case .down, .probing: 2
            }
        }
        return servers.indices.sorted { (place(servers[$0]), $0) < (place(servers[$1]), $1) }
    }

    // MARK: A try

    /// A connection, or a handshake on one, is begun.
    mutating func began(_ number: Int, _ now: Instant) {
        servers[number].pending += 1
        if servers[number].pending == 1 { servers[number].silentSince = now }
    }

    /// Whether a try has not been answered yet.
    func isPending(_ number: Int) -> Bool { servers[number].pending > 0 }

    /// The same for all connections that wait for this server, so that not each of them pays.
    func patienceEnds(_ number: Int, _ now: Instant) -> Instant {
        (servers[number].silentSince ?? now) + Self.patience
    }

    /// A try that was begun is of no interest any more.
    mutating func gaveUp(_ number: Int) {
        servers[number].pending -= 1
        if servers[number].pending == 0 { servers[number].silentSince = nil }
    }

    /// The connection is there; what the handshake says is open. Its next failure counts as one after the other.
    mutating func connected(_ number: Int, _ now: Instant) {
        heard(number, now)
        servers[number].condition = .good
    }

    /// The handshake has been accepted.
    mutating func accepted(_ number: Int, _ now: Instant) -> Change? {
        heard(number, now)
        servers[number].condition = .good
        servers[number].isProven = true
        servers[number].pause = nil
        servers[number].hasWorked = true
        servers[number].failingSince = nil
        servers[number].looksRestarting = false
        defer { current = number }
        return number == current ? nil : number < current ? .returned(to: number) : .fellBack(to: number)
    }

    /// - Parameter looksRestarting: whether a server that is being restarted fails in this way.
    mutating func failed(_ number: Int, looksRestarting: Bool, _ now: Instant) {
        gaveUp(number)
        servers[number].isProven = false
        servers[number].looksRestarting = looksRestarting
        if servers[number].failingSince == nil { servers[number].failingSince = now }
        // A probe has its own end.
        guard case .good = servers[number].condition else { return }
        servers[number].condition = .down
        pause(number, now)
    }

    private mutating func heard(_ number: Int, _ now: Instant) {
        gaveUp(number)
        // The others have not heard, but it is alive.
        if servers[number].silentSince != nil { servers[number].silentSince = now }
    }

    /// Tries that fail together, or within the pause, make it no longer.
    private mutating func pause(_ number: Int, _ now: Instant) {
        guard let last = servers[number].pause else {
            servers[number].pause = (Self.firstPause, now + jitter.spread(Self.firstPause))
            return
        }
        guard last.until <= now else { return }
        let length = min(last.length * 2, Self.longestPause)
        servers[number].pause = (length, now + jitter.spread(length))
    }

    // MARK: Restarts

    /// Whether one that has worked fails as it would while it is being restarted, and has not done so for long.
    func mayBeRestarting(_ now: Instant) -> Bool {
        servers.contains { server in
            guard server.hasWorked, server.looksRestarting, let since = server.failingSince else { return false }
            return now < since + Self.longestRestart
        }
    }

    // MARK: Return

    /// When the next pause is over.
    var nextProbe: Instant? {
        servers.lazy.filter { $0.condition == .down }.compactMap { $0.pause?.until }.min()
    }

    /// Those whose pause is over: each is to be tried once, and what came of it told.
    mutating func takeProbes(_ now: Instant) -> [Int] {
        let due = servers.indices.filter {
            servers[$0].condition == .down && servers[$0].pause.map { $0.until <= now } ?? true
        }
        for number in due { servers[number].condition = .probing }
        return due
    }

    mutating func probed(_ number: Int, works: Bool, _ now: Instant) {
        guard case .probing = servers[number].condition else { return }
        servers[number].condition = works ? .good : .down
        if !works { pause(number, now) }
    }

    /// The network is another one: nothing that was found out about servers holds in it.
    mutating func forgetFailures(_ now: Instant) {
        for number in servers.indices {
            servers[number].condition = .good
            servers[number].pause = nil
            servers[number].failingSince = nil
            if servers[number].silentSince != nil { servers[number].silentSince = now }
        }
    }

    // MARK: The pool

    /// Whether new connections may go on a tunnel to this server that is open already: not once one that is preferred
    /// is known to work.
    func isWanted(_ number: Int) -> Bool {
        !servers[..<min(number, servers.count)].contains { server in
            if case .good = server.condition { server.isProven } else { false }
        }
    }
}
