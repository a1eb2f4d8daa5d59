@testable import WstanBase
@testable import WstanCore

/// The server of a crowd: its kernel's backlog, its limit of handshakes (`HandshakeQueue`, the product's own), and a
/// processor that opens so many tunnels in a second. Work goes in the order in which it came.
struct CrowdServer {
    enum Peer {
        /// Of a client: its number.
        case attempt(Int)
        case silent
        case bad
    }

    private struct Waiting {
        let peer: Peer
        /// When its request is there.
        let request: Int
    }

    /// What is to be told to a client.
    enum Outcome {
        case accepted(attempt: Int)
        case closed(attempt: Int)
    }

    private let model: CrowdModel
    private var limit: HandshakeQueue
    private var backlog: [Waiting] = []
    private var first = 0
    /// Requests that are there and wait for the processor.
    private var ready: [(peer: Peer, ticket: HandshakeQueue.Ticket)] = []
    private var nextReady = 0
    /// Of those that were accepted before their request came.
    private var awaited: [Int: HandshakeQueue.Ticket] = [:]
    private var attempts: [HandshakeQueue.Ticket: Int] = [:]
    private var silent: [(ticket: HandshakeQueue.Ticket, overdue: Int)] = []
    private var firstSilent = 0
    /// Of this millisecond, in seconds; below zero while it works on what it has begun.
    private var budget = 0.0
    private var strangers = (silent: 0.0, bad: 0.0)
    private(set) var strangersAccepted = 0

    init(_ model: CrowdModel) {
        self.model = model
        limit = HandshakeQueue(capacity: model.maxHandshakes)
    }

    var backlogCount: Int { backlog.count - first }
    var handshakeCount: Int { limit.count }
    var isIdle: Bool { backlogCount == 0 && nextReady == ready.count }

    /// - Returns: false when the kernel drops the SYN.
    mutating func syn(_ peer: Peer, requestAt time: Int) -> Bool {
        guard backlogCount < model.backlog else { return false }
        backlog.append(Waiting(peer: peer, request: time))
        return true
    }

    /// The request of a client that was accepted before it came; nothing where it waits in the backlog still.
    mutating func request(_ attempt: Int) {
        guard let ticket = awaited.removeValue(forKey: attempt), limit.contains(ticket) else { return }
        limit.goOn(ticket)
        ready.append((.attempt(attempt), ticket))
    }

    /// What it does within one millisecond.
    ///
    /// - Parameter isWanted: whether the client still waits.
    mutating func run(_ now: Int, isWanted: (Int) -> Bool) -> [Outcome] {
        strangersCome(now)
        endSilent(now)
        var outcomes: [Outcome] = []
        let instant = CrowdCalendar.instant(now)
        budget = min(budget + 0.001, 0.001)
        while budget > 0 {
            if nextReady < ready.count {
                serve(&outcomes, isWanted)
            } else if backlogCount > 0, limit.hasRoom(now: instant) {
                accept(now, instant, &outcomes)
            } else {
                break
            }
        }
        if first > 10_000 {
            backlog.removeFirst(first)
            first = 0
        }
        if nextReady > 10_000 {
            ready.removeFirst(nextReady)
            nextReady = 0
        }
        return outcomes
    }

    private mutating func serve(_ outcomes: inout [Outcome], _ isWanted: (Int) -> Bool) {
        let (peer, ticket) = ready[nextReady]
        nextReady += 1
        attempts[ticket] = nil
        guard limit.leave(ticket) else { return }
        switch peer {
        case .attempt(let attempt) where isWanted(attempt):
            budget -= 1 / model.handshakes
            outcomes.append(.accepted(attempt: attempt))
        case .attempt, .bad, .silent:
            budget -= 1 / model.refusals
        }
    }

    private mutating func accept(_ now: Int, _ instant: Instant, _ outcomes: inout [Outcome]) {
        let next = backlog[first]
        first += 1
        budget -= 1 / model.accepts
        let entry = limit.enter(now: instant)
        for ticket in entry.evicted {
            guard let attempt = attempts.removeValue(forKey: ticket) else { continue }
            awaited[attempt] = nil
            outcomes.append(.closed(attempt: attempt))
        }
        switch next.peer {
        case .attempt(let attempt):
            attempts[entry.ticket] = attempt
            if next.request <= now {
                ready.append((next.peer, entry.ticket))
            } else {
                awaited[attempt] = entry.ticket
                limit.wait(for: .firstBytes, of: entry.ticket, now: instant)
            }
        case .bad:
            strangersAccepted += 1
            ready.append((next.peer, entry.ticket))
        case .silent:
            strangersAccepted += 1
            limit.wait(for: .firstBytes, of: entry.ticket, now: instant)
            silent.append((entry.ticket, now + model.handshakeTimeout))
        }
    }

    private mutating func strangersCome(_ now: Int) {
        strangers.silent += model.silentStrangers / 1000
        strangers.bad += model.badStrangers / 1000
        while strangers.silent >= 1 {
            strangers.silent -= 1
            _ = syn(.silent, requestAt: now)
        }
        while strangers.bad >= 1 {
            strangers.bad -= 1
            _ = syn(.bad, requestAt: now)
        }
    }

    private mutating func endSilent(_ now: Int) {
        while firstSilent < silent.count, silent[firstSilent].overdue <= now {
            limit.leave(silent[firstSilent].ticket)
            firstSilent += 1
        }
        if firstSilent > 10_000 {
            silent.removeFirst(firstSilent)
            firstSilent = 0
        }
    }
}
