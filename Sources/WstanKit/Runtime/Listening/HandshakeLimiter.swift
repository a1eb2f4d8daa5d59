import Synchronization
import WstanBase

/// Bounds the connections of a process that have not said yet what they want: the driver of `HandshakeQueue`, shared by
/// its workers. A listener asks it before it accepts.
package final class HandshakeLimiter: Sendable {
    private struct State {
        var queue: HandshakeQueue
        /// Those whose worker has begun with them.
        var evictions: [HandshakeQueue.Ticket: @Sendable () -> Void] = [:]
    }

    private let state: Mutex<State>

    /// - Parameter capacity: 0 is no limit.
    package init(capacity: Int) {
        state = Mutex(State(queue: HandshakeQueue(capacity: capacity)))
    }

    package var capacity: Int {
        get { state.withLock { $0.queue.capacity } }
        set { state.withLock { $0.queue.capacity = newValue } }
    }

    package var count: Int { state.withLock { $0.queue.count } }

    /// Whether another may be accepted now.
    package func hasRoom(now: Instant) -> Bool { state.withLock { $0.queue.hasRoom(now: now) } }

    /// - Returns: what the connection has to leave with.
    package func enter(now: Instant) -> HandshakeQueue.Ticket {
        let (ticket, evictions) = state.withLock { state in
            let entry = state.queue.enter(now: now)
            return (entry.ticket, entry.evicted.compactMap { state.evictions.removeValue(forKey: $0) })
        }
        for evict in evictions { evict() }
        return ticket
    }

    /// - Parameter evict: closes the connection, which has had to give way; called on any thread.
    /// - Returns: false when it has had to give way already.
    func begin(_ ticket: HandshakeQueue.Ticket, evict: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard state.queue.contains(ticket) else { return false }
            state.evictions[ticket] = evict
            return true
        }
    }

    package func leave(_ ticket: HandshakeQueue.Ticket) {
        state.withLock { state in
            state.queue.leave(ticket)
            state.evictions[ticket] = nil
        }
    }

    func wait(for awaited: HandshakeQueue.Awaited, of ticket: HandshakeQueue.Ticket, now: Instant) {
        state.withLock { $0.queue.wait(for: awaited, of: ticket, now: now) }
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
    let source: AnyHashable
    /// Called once.
    var whenLeft: (() -> Void)?
    private let limiter: HandshakeLimiter
    private var ticket: HandshakeQueue.Ticket?

    /// Leaves by itself when the stream is closed.
    ///
    /// - Parameter evicted: called when the connection has had to give way, after it was closed.
    /// - Returns: nil when it had to before its worker came to it; it is closed then.
    package init?(
        _ ticket: HandshakeQueue.Ticket, of stream: Stream, from source: AnyHashable, in limiter: HandshakeLimiter,
        evicted: @escaping () -> Void = {}
    ) {
        self.limiter = limiter
        self.ticket = ticket
        self.stream = stream
        self.source = source
        arrived = stream.worker.now
        let eviction = Eviction(stream: stream, report: evicted)
        guard limiter.begin(ticket, evict: { eviction.run() }) else {
            self.ticket = nil
            stream.close()
            evicted()
            return nil
        }
        stream.strangersSource = source
        stream.whenClosed = { [self] in leave() }
    }

    /// Runs on the stream's worker only.
    private struct Eviction: @unchecked Sendable {
        let stream: Stream
        let report: () -> Void

        func run() {
            stream.worker.execute {
                guard !stream.isClosed else { return }
                stream.close()
                report()
            }
        }
    }

    /// Means nothing the second time.
    package func leave() {
        guard let ticket else { return }
        self.ticket = nil
        stream.strangersSource = nil
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

    /// To be called after it.
    package func goOn() {
        guard let ticket else { return }
        limiter.goOn(ticket)
    }
}
