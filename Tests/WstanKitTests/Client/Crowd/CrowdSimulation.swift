@testable import WstanBase
@testable import WstanCore

/// Many clients and one server that is restarted, in virtual time: which connections are tried when is decided by the
/// product's own machines (`PoolMachine`, `DialRounds`, `ServerListMachine`, `HandshakeQueue`), and what the network and
/// the kernels do by `CrowdModel`.
struct CrowdSimulation {
    private struct Client {
        var pool: PoolMachine
        var server: ServerListMachine
        /// Of a user who waits.
        var rounds: DialRounds?
        var userBegan = -1
        var wake = Int.max
        var isRestored = false
    }

    private struct Attempt {
        let client: Int
        /// Of the pool's; 0 is a user's.
        let opening: UInt64
        let began: Int
        var tries = 0
        var state = State.connecting

        enum State {
            case connecting
            case connected
            case over
        }
    }

    private static let refused = DialFailure.unreachable(.connect(SystemError(call: "connect", code: 111)))
    private static let timedOut = DialFailure.unreachable(.connect(SystemError(call: "connect", code: 110)))

    private let model: CrowdModel
    private var calendar = CrowdCalendar()
    private var server: CrowdServer
    private var clients: [Client] = []
    private var attempts: [Attempt] = []
    private var pending = 0
    private var result = CrowdResult()
    private var openedInSecond = (second: 0, count: 0)

    init(_ model: CrowdModel) {
        self.model = model
        server = CrowdServer(model)
    }

    static func run(_ model: CrowdModel) -> CrowdResult {
        var simulation = CrowdSimulation(model)
        return simulation.run()
    }

    private mutating func run() -> CrowdResult {
        begin()
        while result.restored.count < clients.count || hasWaitingUsers, calendar.now < model.limit {
            for event in calendar.take() { handle(event) }
            if calendar.now >= model.outage { runServer() }
            calendar.advance()
        }
        result.restored.sort()
        result.waits.sort()
        result.strangersAccepted = server.strangersAccepted
        return result
    }

    private var hasWaitingUsers: Bool {
        result.waits.count + result.failedUsers < (clients.count + model.clientsForUser - 1) / model.clientsForUser
    }

    /// Each client has the tunnel that it keeps ahead of need, and at 0 all of these are cut.
    private mutating func begin() {
        var random = SeededRandomness(seed: model.seed)
        let before = Instant(nanoseconds: 500_000_000_000)
        for number in 0..<model.clients {
            var pool = PoolMachine(size: 16, minimum: 1, maxIdle: .seconds(300), jitter: Jitter(seed: random.next()))
            if case .open(let numbers) = pool.replenish(now: before, asking: .freely) {
                for opening in numbers { _ = pool.opened(opening, as: 1, now: before) }
            }
            var machine = ServerListMachine(count: 1, jitter: Jitter(seed: random.next()))
            machine.began(0, before)
            _ = machine.accepted(0, before)
            pool.ended(1, now: calendar.instant)
            clients.append(Client(pool: pool, server: machine))
            if number % model.clientsForUser == 0 {
                calendar.add(.user, number, at: Int(random.next() % UInt64(model.userTime)))
            }
            replenish(number)
        }
    }

    private func roundTrip(_ client: Int) -> Int {
        model.roundTrips.lowerBound + client % model.roundTrips.count
    }

    // MARK: Events

    private mutating func handle(_ event: CrowdCalendar.Event) {
        switch event.kind {
        case .wake:
            guard clients[event.number].wake == calendar.now else { return }
            clients[event.number].wake = .max
            replenish(event.number)
        case .user:
            userComes(event.number)
        case .retry:
            dial(event.number, opening: 0)
        case .syn:
            syn(event.number)
        case .connected:
            guard attempts[event.number].state == .connecting else { return }
            attempts[event.number].state = .connected
            clients[attempts[event.number].client].server.connected(0, calendar.instant)
            clients[attempts[event.number].client].server.began(0, calendar.instant)
            calendar.add(.answerOverdue, event.number, at: calendar.now + model.answerTimeout)
        case .connectFailed:
            guard attempts[event.number].state == .connecting else { return }
            let isLate = calendar.now - attempts[event.number].began >= model.connectTimeout
            failed(event.number, isLate ? Self.timedOut : Self.refused)
        case .answerOverdue:
            guard attempts[event.number].state == .connected else { return }
            failed(event.number, .timedOut)
        case .request:
            server.request(event.number)
        case .accepted:
            guard attempts[event.number].state == .connected else { return }
            accepted(event.number)
        case .closed:
            guard attempts[event.number].state == .connected else { return }
            failed(event.number, .closed(usesTLS: false))
        }
    }

    private mutating func runServer() {
        let outcomes = server.run(calendar.now) { attempts[$0].state != .over }
        for outcome in outcomes {
            switch outcome {
            case .accepted(let attempt):
                let second = calendar.now / 1000
                openedInSecond = openedInSecond.second == second ? (second, openedInSecond.count + 1) : (second, 1)
                result.mostTunnels = max(result.mostTunnels, openedInSecond.count)
                calendar.add(.accepted, attempt, at: calendar.now + roundTrip(attempts[attempt].client) / 2)
            case .closed(let attempt):
                calendar.add(.closed, attempt, at: calendar.now + roundTrip(attempts[attempt].client) / 2)
            }
        }
        result.mostInBacklog = max(result.mostInBacklog, server.backlogCount)
        result.mostHandshakes = max(result.mostHandshakes, server.handshakeCount)
    }

    // MARK: An attempt

    private mutating func dial(_ client: Int, opening: UInt64) {
        attempts.append(Attempt(client: client, opening: opening, began: calendar.now))
        result.attempts += 1
        pending += 1
        result.mostAttempts = max(result.mostAttempts, pending)
        clients[client].server.began(0, calendar.instant)
        let number = attempts.count - 1
        calendar.add(.syn, number, at: calendar.now + roundTrip(client) / 2)
        calendar.add(.connectFailed, number, at: calendar.now + model.connectTimeout)
    }

    private mutating func syn(_ number: Int) {
        let attempt = attempts[number]
        guard attempt.state == .connecting else { return }
        let roundTrip = roundTrip(attempt.client)
        guard calendar.now >= model.outage else {
            return calendar.add(.connectFailed, number, at: calendar.now + roundTrip / 2)
        }
        if server.syn(.attempt(number), requestAt: calendar.now + roundTrip) {
            calendar.add(.connected, number, at: calendar.now + roundTrip / 2)
            calendar.add(.request, number, at: calendar.now + roundTrip)
        } else if attempt.tries + 1 < model.synAgain.count {
            attempts[number].tries += 1
            let sent = attempt.began + model.synAgain[attempt.tries + 1]
            calendar.add(.syn, number, at: sent + roundTrip / 2)
        }
    }

    private mutating func accepted(_ number: Int) {
        attempts[number].state = .over
        pending -= 1
        let client = attempts[number].client
        let opening = attempts[number].opening
        _ = clients[client].server.accepted(0, calendar.instant)
        if opening > 0 {
            _ = clients[client].pool.opened(opening, as: UInt64(number) + 2, now: calendar.instant)
        } else {
            served(client)
            // A request of a user has opened a tunnel: `TunnelPool.tookRequest`.
            clients[client].pool.mayTryAgain()
        }
        replenish(client)
    }

    private mutating func failed(_ number: Int, _ failure: DialFailure) {
        attempts[number].state = .over
        pending -= 1
        let client = attempts[number].client
        clients[client].server.failed(0, looksRestarting: failure.mayBeRestart, calendar.instant)
        guard attempts[number].opening == 0 else {
            clients[client].pool.openingFailed(attempts[number].opening, .unreachable, now: calendar.instant)
            return replenish(client)
        }
        clients[client].rounds?.failedEverywhere(failure)
        let mayBeRestarting = clients[client].server.mayBeRestarting(calendar.instant)
        switch clients[client].rounds?.next(mayBeRestarting: mayBeRestarting, calendar.instant) {
        case .go: dial(client, opening: 0)
        case .pause(let pause):
            calendar.add(.retry, client, at: CrowdCalendar.milliseconds(calendar.instant + pause))
        case .fail, nil:
            clients[client].rounds = nil
            result.failedUsers += 1
        }
    }

    // MARK: A client

    private mutating func replenish(_ number: Int) {
        switch clients[number].pool.replenish(now: calendar.instant, asking: .freely) {
        case .open(let openings):
            for opening in openings { dial(number, opening: opening) }
        case .later(let time):
            let wake = max(CrowdCalendar.milliseconds(time), calendar.now + 1)
            guard wake < clients[number].wake else { return }
            clients[number].wake = wake
            calendar.add(.wake, number, at: wake)
        case .enough:
            guard clients[number].pool.count > 0, !clients[number].isRestored else { return }
            clients[number].isRestored = true
            result.restored.append(calendar.now)
        }
    }

    private mutating func userComes(_ number: Int) {
        clients[number].userBegan = calendar.now
        clients[number].pool.connectionBegan(now: calendar.instant)
        if clients[number].pool.popIdle() != nil {
            served(number)
        } else {
            clients[number].rounds = DialRounds(jitter: Jitter(seed: model.seed &+ UInt64(number)))
            dial(number, opening: 0)
        }
        replenish(number)
    }

    /// A round trip later, on a tunnel of the pool, which is no wait for the server.
    private mutating func served(_ number: Int) {
        clients[number].rounds = nil
        result.waits.append(calendar.now - clients[number].userBegan)
    }
}
