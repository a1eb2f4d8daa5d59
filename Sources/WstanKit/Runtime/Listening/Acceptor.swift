import CLinux
import Glibc

/// A socket that listens: it accepts on its own worker and deals the connections out, one worker after the other. What it
/// listens on is its subclasses' business.
package class Acceptor: Pollable, @unchecked Sendable {
    /// A connection that is not served yet: its descriptor is to be taken over on `worker`.
    package struct Arrival: Sendable {
        package let descriptor: Int32
        package let peer: Peer
        package let worker: Worker
        /// Where the listener has a limiter.
        package var ticket: HandshakeQueue.Ticket?
    }

    package enum Event {
        case accepted(Arrival)
        /// A connection has been closed: too many waited, and most of them were of its source.
        case gaveWay
        /// Out of descriptors or memory; accepting goes on by itself.
        case paused(SystemError)
    }

    /// As a person would write it.
    package let place: String
    private let workers: [Worker]
    private let report: (Event) -> Void
    /// Whether it accepts nothing when descriptors run short, but what its limiter hears then.
    package var leavesReserve = true
    /// Asked before a connection is accepted: it may say that the next one has to wait in the backlog.
    package var limiter: HandshakeLimiter?
    private var next = 0
    private var pause: Timers.ID?
    /// Accepted, and not dealt out yet. Sources take turns, so that one that connects once does not wait behind a flood.
    private var waiting = TurnQueue<(descriptor: Int32, peer: Peer)>()
    /// Dealt out in this slice.
    private var dealt = 0
    /// Whether it goes on in the next turn of the loop by itself.
    private var isToGoOn = false

    /// How long it waits when the system has nothing to give. It gets no event for what is queued already.
    private static let pauseLength: Duration = .milliseconds(100)
    /// How long it waits when the limiter is full: a handshake takes a few milliseconds.
    private static let crowdPauseLength: Duration = .milliseconds(5)

    /// - Parameters:
    ///   - descriptor: listens already.
    ///   - report: called on the acceptor's worker.
    init(
        descriptor: Int32, at place: String, on worker: Worker, dealingTo workers: [Worker],
        report: @escaping (Event) -> Void
    ) throws(SystemError) {
        self.place = place
        self.workers = workers
        self.report = report
        try super.init(descriptor: descriptor, worker: worker)
    }

    override func handle(_ readiness: Readiness) {
        guard !isToGoOn else { return }
        acceptSome()
    }

    /// Takes what has connected already, and closes: connections that wait to be accepted would be reset. A
    /// connection that comes in between is not answered, so that its host tries again (after a second, RFC 6298) and finds
    /// what listens there then.
    package func closeOnceEmpty() {
        SocketOption.hearNobodyNew(descriptor)
        // Another core may be amid the handshake of a socket of this host. It happens at a reload only.
        usleep(1000)
        for _ in 0..<Self.longestBacklog {
            guard !isClosed, acceptOne(isLast: true) else { break }
        }
        deal(upTo: .max, isLast: true)
        close()
    }

    /// As listen(2) is told.
    static let longestBacklog = 4096

    package override func close() {
        if let pause { worker.cancel(pause) }
        pause = nil
        while let (descriptor, _) = waiting.next() {
            Glibc.close(descriptor)
            Descriptors.closed()
        }
        super.close()
    }

    /// Whose connection it is. Nil when that cannot be told: it is closed then.
    ///
    /// - Parameter address: as accept(2) gave it.
    func peer(of descriptor: Int32, at address: SocketAddress?) -> Peer? {
        address.map { .network($0) }
    }

    /// Goes on until there is nothing left, in slices that leave room for others.
    private func acceptSome() {
        guard !isClosed, pause == nil else { return }
        dealt = 0
        var isMore = true
        for _ in 0..<Self.acceptedInTurn where isMore { isMore = acceptOne() }
        deal(upTo: max(0, Worker.strangersInTurn - dealt))
        guard pause == nil, isMore || !waiting.isEmpty else { return }
        isToGoOn = true
        worker.execute { [self] in
            isToGoOn = false
            acceptSome()
        }
    }

    /// Accepting costs a tenth of what a stranger's request costs.
    private static let acceptedInTurn = 128
    /// They take descriptors beside those of handshakes. More than are dealt in a turn, or nothing would go on behind them.
    private static var mostWaiting: Int { min(1024, max(2 * Worker.strangersInTurn, Descriptors.handshakes(0) / 4)) }

    /// - Parameter isLast: what is not accepted now is lost.
    /// - Returns: false when no connection waits, or none may be accepted.
    private func acceptOne(isLast: Bool = false) -> Bool {
        if leavesReserve, Descriptors.areScarce, limiter?.hearsAnother(beside: waiting.count, now: worker.now) != true {
            // What is left belongs to the targets of tunnels that are up, and to a few that are heard.
            return rest(after: SystemError(call: "accept", code: EMFILE))
        }
        // A crowd, of which each comes once or twice, waits in the backlog.
        guard isLast || waiting.count < Self.mostWaiting else { return false }
        let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let (result, address) = SocketAddress.read { accept4(descriptor, $0, &$1, flags) }
        let code = errno
        if result < 0 {
            switch code {
            case EAGAIN: return false
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return rest(after: SystemError(call: "accept", code: code))
            // The connection was gone before it was accepted (accept(2)).
            default: return true
            }
        }
        guard let peer = peer(of: result, at: address) else {
            Glibc.close(result)
            return true
        }
        if waiting.isEmpty, !isLast, dealt < worker.strangersAtOnce, limiter?.hasRoom(now: worker.now) ?? true {
            // The usual case: it is alone, and need not wait.
            dealt += 1
            handOut(result, peer)
            return true
        }
        let source = peer.party
        guard isLast || waiting.hasRoom(for: source, most: Self.mostWaiting) else {
            Glibc.close(result)
            report(.gaveWay)
            return true
        }
        Descriptors.opened()
        waiting.add((result, peer), of: source)
        return true
    }

    /// Hands the next ones out, as far as the limiter has room for them.
    private func deal(upTo most: Int, isLast: Bool = false) {
        for _ in 0..<min(most, waiting.count) {
            if let limiter, !isLast, !limiter.hasRoom(now: worker.now) { return rest(for: Self.crowdPauseLength) }
            guard let (descriptor, peer) = waiting.next() else { return }
            // Its stream counts it from now on.
            Descriptors.closed()
            handOut(descriptor, peer)
        }
    }

    private func handOut(_ descriptor: Int32, _ peer: Peer) {
        let ticket = limiter?.enter(now: self.worker.now)
        let worker = workers[next]
        next = (next + 1) % workers.count
        report(.accepted(Arrival(descriptor: descriptor, peer: peer, worker: worker, ticket: ticket)))
    }

    private func rest(after error: SystemError) -> Bool {
        report(.paused(error))
        rest(for: Self.pauseLength)
        return false
    }

    private func rest(for length: Duration) {
        guard pause == nil else { return }
        pause = worker.schedule(after: length) { [self] in
            pause = nil
            acceptSome()
        }
    }
}
