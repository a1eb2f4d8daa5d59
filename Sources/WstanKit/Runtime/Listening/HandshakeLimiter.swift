import Synchronization
import WstanBase

/// Bounds the connections of a process that have not said yet what they want: the driver of `HandshakeQueue`, shared by
/// its workers. A listener asks it before it accepts.
package final class HandshakeLimiter: Sendable {
    private struct State {
        var queue: HandshakeQueue
        /// By slot, of those whose worker has begun with them.
        var places: [HandshakePlace?] = []
    }

    private let state: Mutex<State>
    private let hearsInScarcity: Bool

    /// - Parameters:
    ///   - capacity: 0 is no limit.
    ///   - hearsInScarcity: whether some may come in while descriptors are scarce: who they are decides what gives way.
    package init(capacity: Int, hearsInScarcity: Bool = false) {
        state = Mutex(State(queue: HandshakeQueue(capacity: capacity)))
        self.hearsInScarcity = hearsInScarcity
    }

    package var capacity: Int {
        get { state.withLock { $0.queue.capacity } }
        set { state.withLock { $0.queue.capacity = newValue } }
    }

    package var count: Int { state.withLock { $0.queue.count } }

    /// Whether another may be accepted now.
    package func hasRoom(now: Instant) -> Bool { state.withLock { $0.queue.hasRoom(now: now, most: most) } }

    /// The same while descriptors are scarce, beside those that wait to be served.
    func hearsAnother(beside waiting: Int, now: Instant) -> Bool {
        guard hearsInScarcity else { return false }
        return waiting == 0 ? hasRoom(now: now) : waiting + count < Descriptors.handshakesInScarcity
    }

    /// Nil: the capacity.
    private var most: Int? { hearsInScarcity && Descriptors.areScarce ? Descriptors.handshakesInScarcity : nil }

    /// - Returns: what the connection has to leave with.
    package func enter(now: Instant) -> HandshakeQueue.Ticket {
        let (ticket, evicted) = state.withLock { state in
            let entry = state.queue.enter(now: now, most: most)
            let evicted = entry.evicted.compactMap { state.places[$0.slot] }
            for ticket in entry.evicted { state.places[ticket.slot] = nil }
            if entry.ticket.slot == state.places.count { state.places.append(nil) }
            return (entry.ticket, evicted)
        }
        for place in evicted { place.giveWay() }
        return ticket
    }

    /// Only a place that waits has to give way, and it cannot wait before this.
    fileprivate func begin(_ ticket: HandshakeQueue.Ticket, at place: HandshakePlace) {
        state.withLock { $0.places[ticket.slot] = place }
    }

    package func leave(_ ticket: HandshakeQueue.Ticket) {
        state.withLock { state in
            // Its slot may be another's by now.
            if state.queue.leave(ticket) { state.places[ticket.slot] = nil }
        }
    }

    func wait(for awaited: HandshakeQueue.Awaited, of ticket: HandshakeQueue.Ticket, now: Instant) {
        state.withLock { $0.queue.wait(for: awaited, of: ticket, now: now) }
    }

    /// - Returns: false when too many do that.
    func waitForTurn(of ticket: HandshakeQueue.Ticket, now: Instant) -> Bool {
        let (mayWait, evicted) = state.withLock { state in
            let (mayWait, ticket) = state.queue.waitForTurn(of: ticket, now: now)
            guard let ticket else { return (mayWait, HandshakePlace?.none) }
            defer { state.places[ticket.slot] = nil }
            return (mayWait, state.places[ticket.slot])
        }
        evicted?.giveWay()
        return mayWait
    }

    func goOn(_ ticket: HandshakeQueue.Ticket) {
        state.withLock { $0.queue.goOn(ticket) }
    }
}

/// The place of one connection in a `HandshakeLimiter`, until the connection has said what it wants or is closed. Confined
/// to its worker.
package final class HandshakePlace: @unchecked Sendable {
    let arrived: Instant
    let stream: Stream
    /// Whose turn its work is.
    let source: Party
    /// Called once.
    var whenLeft: (() -> Void)?
    private let evicted: () -> Void
    private let limiter: HandshakeLimiter
    /// Nil once it has left.
    private var ticket: HandshakeQueue.Ticket?

    /// Leaves by itself when the stream is closed.
    ///
    /// - Parameter evicted: called when the connection has had to give way, after it was closed.
    package init(
        _ ticket: HandshakeQueue.Ticket, of stream: Stream, from source: Party, in limiter: HandshakeLimiter,
        evicted: @escaping () -> Void = {}
    ) {
        self.limiter = limiter
        self.ticket = ticket
        self.stream = stream
        self.source = source
        self.evicted = evicted
        arrived = stream.worker.now
        limiter.begin(ticket, at: self)
        stream.handshakePlace = self
        stream.whenClosed = { [self] in leave() }
    }

    /// On any thread. What was decided there meets, here, one that may have left meanwhile, and be a tunnel.
    fileprivate func giveWay() {
        stream.worker.execute { [self] in
            guard ticket != nil else { return }
            stream.close()
            evicted()
        }
    }

    /// Means nothing the second time.
    package func leave() {
        guard let ticket else { return }
        self.ticket = nil
        stream.handshakePlace = nil
        stream.whenClosed = nil
        limiter.leave(ticket)
        whenLeft?()
        whenLeft = nil
    }

    /// To be called before a wait for the peer.
    package func wait(for awaited: HandshakeQueue.Awaited) {
        guard let ticket else { return }
        limiter.wait(for: awaited, of: ticket, now: stream.worker.now)
    }

    /// To be called before a wait for a turn behind others' work. It may have to give way while it waits.
    ///
    /// - Returns: false when too many wait so already.
    package func waitForTurn() -> Bool {
        guard let ticket else { return true }
        return limiter.waitForTurn(of: ticket, now: stream.worker.now)
    }

    /// To be called after it, and as soon as the peer is known to have gone on.
    package func goOn() {
        guard let ticket else { return }
        limiter.goOn(ticket)
    }
}
