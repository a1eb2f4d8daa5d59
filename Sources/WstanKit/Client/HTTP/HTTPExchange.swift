import WstanBase

/// One request of a user agent and its answer: the driver of `ExchangeMachine`. Its task moves the request to the
/// target; the answer comes in `receive`, called by the tunnel, and goes on to the user agent at once. Confined to its
/// worker.
final class HTTPExchange: @unchecked Sendable {
    enum Ending: Sendable {
        /// The answer is on its way, the connection can take another request. The way is there if it can, too.
        case takeNext(TargetConnection?)
        /// The answer is on its way and was the last.
        case finish
        /// The user agent got a part of an answer, or is gone: its connection is not to end in good order.
        case breakOff
        /// Both sides speak another protocol from here on.
        case relay(TargetConnection)
        /// The user agent has got nothing; it is to be told why.
        case explain(ExchangeFailure, canGoOn: Bool)
    }

    private enum Turn {
        case end(Ending)
        case sendAgain
    }

    private enum Answer {
        case ended(ExchangeMachine.EndAction)
        case upgraded
        case unreadable(HTTPHead.Failure)
    }

    private let request: ProxyRequest
    private let target: Address
    private let userAgent: Stream
    private let connector: TargetConnector
    /// What was read of the user agent and is not used yet; behind this request, what belongs to the next ones.
    private(set) var intake: BufferedReader

    private var machine: ExchangeMachine
    private var body: BodyReader
    private var reader: ResponseReader
    private var way: TargetConnection?
    private var answer: Answer?
    private var brokenBody: HTTPHead.Failure?
    private var hasSurplus = false
    /// All that was sent of the request, as long as it may be sent once more.
    private var replay: [UInt8]?
    private var lingering: HalfClosedUserAgent?
    private var inputHasEnded = false

    /// The last that it was tried on.
    var tunnel: Tunnel? { way?.tunnel }
    private var worker: Worker { userAgent.worker }

    init(
        _ request: ProxyRequest, to target: Address, _ intake: BufferedReader, _ connector: TargetConnector,
        isLast: Bool
    ) {
        self.request = request
        self.target = target
        self.intake = intake
        self.connector = connector
        userAgent = intake.stream
        machine = ExchangeMachine(
            asksForUpgrade: request.asksForUpgrade, userAgentPersists: request.persists && !isLast)
        body = BodyReader(request.body)
        reader = ResponseReader(toHEAD: request.isHEAD, limit: ClientLimits.responseHead)
    }

    /// - Parameters:
    ///   - kept: a way to the same target, or nil.
    ///   - former: the tunnel of the request before.
    func run(on kept: TargetConnection?, former: Tunnel?) async -> Ending {
        guard var opening = takeOpening() else { return endForBody(nil) }
        replay = request.isIdempotent && opening.count <= TunnelLimits.replay ? opening : nil
        var kept = kept
        var isFirstTry = true
        while true {
            let way: TargetConnection
            do throws(ExchangeFailure) {
                way = try await start(opening, on: kept, former: former, mayUsePool: isFirstTry)
            } catch {
                return .explain(error, canGoOn: !machine.isSending)
            }
            self.way = way
            guard brokenBody == nil else { return endForBody(way) }
            switch await converse(on: way, isFirstTry: isFirstTry) {
            case .end(let ending): return ending
            case .sendAgain:
                // On a new tunnel: this time nothing is left to chance.
                isFirstTry = false
                kept = nil
                opening = replay ?? []
            }
        }
    }

    // MARK: The request

    /// The head, and what has come of the body.
    ///
    /// - Returns: nil when the body's framing is broken.
    private func takeOpening() -> [UInt8]? {
        guard let first = takeBody() else { return nil }
        return request.head + first
    }

    /// What the intake holds of the body.
    private func takeBody() -> [UInt8]? {
        guard let used = intake.bytes.withBytes({ readBody($0) }) else { return nil }
        defer { intake.bytes.removeFirst(used) }
        if body.hasEnded { machine.requestEnded() }
        return Array(intake.bytes.prefix(used))
    }

    /// - Returns: how many of the bytes belong to the body; nil when its framing is broken.
    private func readBody(_ bytes: UnsafeRawBufferPointer) -> Int? {
        do throws(HTTPHead.Failure) {
            return try body.read(bytes)
        } catch {
            brokenBody = error
            return nil
        }
    }

    /// Sends the opening: on the kept way, without a tunnel where it needs none, on a pooled one or on a new one.
    private func start(
        _ opening: [UInt8], on kept: TargetConnection?, former: Tunnel?, mayUsePool: Bool
    ) async throws(ExchangeFailure) -> TargetConnection {
        // It may have ended since it was chosen; a request that cannot be repeated is not to be lost with it.
        if let kept, kept.isUp {
            kept.connection.filter = filter
            kept.carrier.send(opening, for: kept.connection)
            return kept
        }
        let connection = Connection(worker: worker, end: userAgent, to: target, endsWithPeer: true)
        connection.filter = filter
        if connector.direct.rules.cover(target) {
            do throws(DirectFailure) {
                return try await connector.connectDirect(target, opening, for: connection, userAgent: userAgent)
            } catch {
                throw error == .ownListener ? .request(.meantForServer) : .direct(error)
            }
        }
        // A pooled tunnel may be dead already, and a request that cannot be repeated would die with it.
        if mayUsePool, canBeRepeated,
            let way = await connector.connectPooled(target, opening, for: connection, former: former)
        {
            return way
        }
        let connected = await connector.dialer.connect()
        // What has come of the body meanwhile rides along.
        let whole = opening + readWhatIsThere()
        do throws(DialFailure) {
            return try await connector.connectFresh(
                target, whole, for: connection, first: connected, mayRepeat: request.isIdempotent)
        } catch {
            throw .dial(error)
        }
    }

    private var canBeRepeated: Bool {
        guard replay != nil else { return false }
        switch request.body {
        case .none: return true
        case .length(let count): return request.head.count + min(count, TunnelLimits.replay) <= TunnelLimits.replay
        case .chunked: return body.hasEnded
        case .untilClose: return false
        }
    }

    private func readWhatIsThere() -> [UInt8] {
        guard !body.hasEnded, userAgent.mayHaveInput else { return [] }
        let buffer = worker.scratch.body(
            min(connector.dialer.options.earlyData, body.mayRead(spare: ClientLimits.readAhead)))
        guard !buffer.isEmpty, case .bytes(let count) = userAgent.read(into: buffer) else { return [] }
        intake.bytes.append(contentsOf: buffer[..<count])
        guard let piece = takeBody() else { return [] }
        remember(piece)
        return piece
    }

    private func remember(_ piece: some Collection<UInt8>) {
        guard let count = replay?.count else { return }
        if count + piece.count > TunnelLimits.replay { replay = nil } else { replay?.append(contentsOf: piece) }
    }

    // MARK: Both directions

    /// Moves the request on and waits for the end of the answer.
    private func converse(on way: TargetConnection, isFirstTry: Bool) async -> Turn {
        var input = ReadLoop(userAgent)
        while true {
            if let answer { return .end(finish(answer, way)) }
            guard way.isUp else { return connectionEnded(way, isFirstTry: isFirstTry) }
            if userAgent.isGone { return .end(giveUp(way)) }
            if let ending = await step(way, &input) { return .end(ending) }
        }
    }

    /// One wait, and what is done about what it was for.
    private func step(_ way: TargetConnection, _ input: inout ReadLoop<Stream>) async -> Ending? {
        // What comes behind the request waits here, a little of it, so that the user agent's end is seen.
        let room = ClientLimits.readAhead
        let wanted = machine.isSending ? body.mayRead(spare: room) : room - intake.bytes.count
        guard wanted > 0, !inputHasEnded else { return await waitForAnswer(way) }
        switch await input.next(upTo: { min(wanted, Scratch.bodySize) }, while: { answer == nil && way.isUp }) {
        case .bytes(let bytes):
            return await machine.isSending ? forward(bytes, way) : keep(bytes)
        case .timedOut, .unwanted:
            return nil
        case .closed, .failed:
            return giveUp(way)
        case .end:
            inputHasEnded = true
            lingering = HalfClosedUserAgent(userAgent)
            switch machine.userAgentEnded() {
            case .giveUp: return giveUp(way)
            case .linger: return nil
            }
        }
    }

    private func keep(_ bytes: UnsafeMutableRawBufferPointer) -> Ending? {
        intake.bytes.append(contentsOf: bytes)
        return nil
    }

    private func forward(_ bytes: UnsafeMutableRawBufferPointer, _ way: TargetConnection) async -> Ending? {
        guard let used = readBody(UnsafeRawBufferPointer(bytes)) else { return endForBody(way) }
        // Before the rest is sealed in place.
        intake.bytes.append(contentsOf: bytes[used...])
        let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[..<used])
        remember(piece)
        way.carrier.forward(piece, for: way.connection)
        if body.hasEnded { machine.requestEnded() }
        guard await way.carrier.waitForRoom(way.connection, from: userAgent, while: { answer == nil }) else {
            return giveUp(way)
        }
        return nil
    }

    /// Nothing is to be read: the user agent has sent everything, or as much as is taken for now.
    private func waitForAnswer(_ way: TargetConnection) async -> Ending? {
        let isUp = await way.connection.waitForNews(until: worker.now + ClientLimits.lingerStep)
        guard answer == nil, isUp, way.isUp else { return nil }
        // Behind more than is taken for now the end is not read, and may not even come.
        guard userAgent.peerHasFinished else { return userAgent.ownerHasLeft ? giveUp(way) : nil }
        if lingering == nil { lingering = HalfClosedUserAgent(userAgent) }
        return lingering?.isWorthwhile(since: way.connection.lastDelivery) == true ? nil : giveUp(way)
    }

    // MARK: The answer

    private var filter: (UnsafeRawBufferPointer) -> Void {
        { [weak self] bytes in self?.receive(bytes) }
    }

    /// Called by the tunnel, within a read of its own.
    private func receive(_ bytes: UnsafeRawBufferPointer) {
        switch answer {
        case nil: break
        // The task has not taken notice yet, and until it does this stands between tunnel and user agent.
        case .upgraded: return userAgent.write(bytes)
        case .ended, .unreadable:
            hasSurplus = true
            return
        }
        machine.heard()
        let held = reader.held
        defer { if !userAgent.isClosed { userAgent.heldElsewhere += reader.held - held } }
        var offset = 0
        do throws(HTTPHead.Failure) {
            while answer == nil, let event = try reader.next(in: bytes, from: &offset) {
                switch event {
                case .head(let response): try pass(response)
                case .body(let range): userAgent.write(UnsafeRawBufferPointer(rebasing: bytes[range]))
                case .missingCR: userAgent.write([13])
                case .end: answer = .ended(machine.responseEnded())
                }
            }
        } catch {
            answer = .unreadable(error)
        }
        switch answer {
        case nil: return
        case .upgraded: userAgent.write(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        case .ended, .unreadable: hasSurplus = offset < bytes.count
        }
        // The task waits for the user agent, for the tunnel to take more, or for this.
        way?.connection.wake()
        way?.carrier.interruptWaitForRoom()
    }

    private func pass(_ response: ProxyResponse) throws(HTTPHead.Failure) {
        let kind: ExchangeMachine.HeadKind =
            if response.isInterim {
                .interim
            } else if response.isUpgrade {
                .upgrade
            } else {
                .final(endsWithConnection: response.body == .untilClose, persists: response.persists)
            }
        switch machine.receivedHead(kind) {
        case .passOn(let closing):
            // RFC 9110 section 15.2: a 1.0 user agent knows no interim answers.
            guard !response.isInterim || request.minorVersion > 0 else { return }
            userAgent.write(response.forwarded(closing: closing, now: Int64(WallClock.now())))
        case .relay:
            userAgent.write(response.forwarded(closing: false, now: Int64(WallClock.now())))
            answer = .upgraded
        case .refuse:
            throw .unaskedUpgrade
        }
    }

    // MARK: Ends

    private func finish(_ answer: Answer, _ way: TargetConnection) -> Ending {
        switch answer {
        case .ended(.takeNext(let keepingTarget)):
            guard keepingTarget, !hasSurplus, way.isUp else {
                way.end()
                return .takeNext(nil)
            }
            way.rest()
            return .takeNext(way)
        case .ended(.closeUserAgent):
            // A request that was answered before it had ended must not look whole.
            way.end(machine.isSending ? .userAgentBroken : .normal)
            return .finish
        case .upgraded:
            way.relay()
            return .relay(way)
        case .unreadable(let failure):
            way.end()
            return machine.isAwaiting ? .explain(unreadable(failure, way), canGoOn: !machine.isSending) : .breakOff
        }
    }

    private func connectionEnded(_ way: TargetConnection, isFirstTry: Bool) -> Turn {
        let ending = ExchangeMachine.Ending(
            inOrder: way.connection.outcome?.isInOrder ?? true, isEndOfResponse: reader.missingEnd != nil,
            wasAtHand: way.wasAtHand, mayRepeat: isFirstTry && replay != nil)
        switch machine.connectionEnded(ending) {
        case .complete(let action):
            userAgent.write(reader.missingEnd ?? [])
            return .end(finish(.ended(action), way))
        case .sendAgain:
            return .sendAgain
        case .explain:
            report(way)
            return .end(.explain(failure(of: way), canGoOn: !machine.isSending))
        case .cutShort:
            report(way)
            return .end(.breakOff)
        }
    }

    private func failure(of way: TargetConnection) -> ExchangeFailure {
        let outcome = way.connection.outcome
        if reader.held > 0, outcome?.isInOrder ?? false { return unreadable(.cutShort, way) }
        return way.tunnel == nil ? .direct(DirectFailure(outcome)) : ExchangeFailure(outcome)
    }

    private func unreadable(_ failure: HTTPHead.Failure, _ way: TargetConnection) -> ExchangeFailure {
        way.tunnel == nil ? .direct(.unreadableAnswer(failure)) : .unreadableAnswer(failure)
    }

    private func report(_ way: TargetConnection) {
        guard let tunnel = way.tunnel else { return }
        switch way.connection.outcome {
        case .reset(let reset):
            connector.log.connectionReset(reset, target: target, tunnel: tunnel.id, now: worker.now)
        case .lost: connector.log.tunnelLost(tunnel.id, target: target)
        case nil: break
        }
    }

    /// The user agent is gone, or has left its request unfinished.
    private func giveUp(_ way: TargetConnection) -> Ending {
        way.end(.userAgentBroken)
        return .breakOff
    }

    private func endForBody(_ way: TargetConnection?) -> Ending {
        way?.end(.userAgentBroken)
        guard machine.isAwaiting, let brokenBody else { return .breakOff }
        return .explain(.request(.unreadable(brokenBody)), canGoOn: false)
    }
}

extension Connection.Outcome {
    /// Whether the target ended it in good order.
    fileprivate var isInOrder: Bool {
        switch self {
        case .reset(let reset): reset.isNormal
        case .lost: false
        }
    }
}
