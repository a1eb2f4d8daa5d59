import WstanBase

/// A user agent's connection as long as it speaks plain HTTP: one request after the other, each to the target that its
/// URI names. The next one is taken up when the answer before it is on its way, so answers keep the order of requests.
/// Confined to its worker.
final class HTTPSession: @unchecked Sendable {
    enum Ending {
        /// The user agent's connection has ended, or ends by itself.
        case over
        /// It turned to CONNECT.
        case connect(ProxyNegotiation.Connect)
        /// Both sides speak another protocol; what the user agent has sent of it already is to be sent.
        case relay(TargetConnection, early: [UInt8])
    }

    private enum Next {
        case request
        case end(Ending)
    }

    private let userAgent: Stream
    private let connector: TargetConnector
    private let idle: IdleUserAgents
    private let rules: ClientAccess
    private let ownNames: OwnNames
    private var intake: BufferedReader
    /// To the target of the last request, if it can take another.
    private var way: TargetConnection?
    /// The tunnel of the last request, which may be about to fall idle.
    private weak var former: Tunnel?

    private var worker: Worker { userAgent.worker }

    init(
        userAgent: Stream, dialer: Dialer, direct: DirectDialer, pool: TunnelPool, idle: IdleUserAgents,
        rules: ClientAccess, ownNames: OwnNames, log: EventLog
    ) {
        self.userAgent = userAgent
        self.idle = idle
        self.rules = rules
        self.ownNames = ownNames
        connector = TargetConnector(dialer: dialer, direct: direct, pool: pool, log: log)
        intake = BufferedReader(userAgent)
    }

    func run(_ first: ProxyNegotiation.HTTPRequest) async -> Ending {
        intake.bytes = first.rest
        var head = first.head
        while true {
            switch await answer(head) {
            case .request: break
            case .end(let ending):
                way?.end()
                return ending
            }
            guard await userAgentTakesAnswer(), let next = await receiveHead() else {
                way?.end()
                userAgent.closeOrderly(awaitingPeer: true)
                return .over
            }
            head = next
        }
    }

    // MARK: Between requests

    /// Waits until the user agent has taken what it was answered: one that only asks is not to fill the memory.
    ///
    /// - Returns: false when it is gone.
    private func userAgentTakesAnswer() async -> Bool {
        while userAgent.pendingCount > 0, !userAgent.isGone {
            await userAgent.waitDrained(until: worker.now + TunnelLimits.stalledStep)
        }
        return !userAgent.isGone
    }

    /// - Returns: nil when no further request comes, or one that was answered here.
    private func receiveHead() async -> HTTPHead? {
        idle.add(userAgent)
        let place = idle.place(of: userAgent)
        defer {
            place.leave()
            intake.place = nil
            idle.remove(userAgent)
        }
        // Nothing is lost by ending it here, at any time: its user agent makes another connection.
        place.wait(for: .end)
        guard await skipEmptyLines() else { return nil }
        place.goOn()
        intake.place = place
        do throws(HTTPHead.Failure) {
            let deadline = worker.now + ClientLimits.negotiation
            switch try await intake.readHead(limit: ClientLimits.requestHead, deadline: deadline) {
            case .success(let head): return head
            case .failure: return nil
            }
        } catch {
            explain(.request(.unreadable(error)), target: nil, asHTML: false, toHEAD: false, closing: true)
            return nil
        }
    }

    /// RFC 9112 section 2.2: an empty line before a request is overlooked, and a few more are.
    ///
    /// - Returns: false when nothing else comes.
    private func skipEmptyLines() async -> Bool {
        let deadline = worker.now + ClientLimits.keptIdle
        var skipped = 0
        while true {
            var blank = 0
            while blank <= ClientLimits.emptyLines, let next = emptyLine(at: blank) { blank = next }
            intake.bytes.removeFirst(blank)
            skipped += blank
            guard skipped <= ClientLimits.emptyLines else { return false }
            if !intake.bytes.isEmpty, intake.bytes != [13] { return true }
            if idle.areUnwanted { return false }
            guard await intake.readMore(deadline: deadline) == .more else { return false }
        }
    }

    /// - Returns: where it ends; nil for other bytes.
    private func emptyLine(at start: Int) -> Int? {
        let bytes = intake.bytes[start...]
        return bytes.first == 10 ? start + 1 : bytes.starts(with: [13, 10]) ? start + 2 : nil
    }

    // MARK: A request

    private func answer(_ head: HTTPHead) async -> Next {
        if isForProxy(head), !ownNames.areMeant(by: head) { return turnAwayFromOtherName(head) }
        if let refused = await refusal(of: head) { return refused }
        guard !ProxyNegotiation.isConnect(head) else { return connect(head) }
        if let next = script(for: head) { return next }
        if let request = FinalRequest(head) { return answer(request) }
        let asHTML = AcceptHeader(head).takesHTML
        let request: ProxyRequest
        let target: Address
        do throws(RequestFault) {
            request = try ProxyRequest(head)
            guard let host = Host(text: request.target.host) else { throw .unusableTarget }
            target = Address(host: host, port: request.target.port)
        } catch {
            explain(.request(error), target: nil, asHTML: asHTML, toHEAD: head.isHEAD, closing: true)
            return .end(.over)
        }
        if let way, way.target != target || !way.isUp {
            way.end()
            self.way = nil
        }
        let kept = way.map {
            TargetConnection(target: $0.target, carrier: $0.carrier, connection: $0.connection, origin: .kept)
        }
        way = nil
        let exchange = HTTPExchange(request, to: target, intake, connector, isLast: idle.areUnwanted)
        // The head twice, as it came and as it goes on, and what came behind it.
        if !userAgent.isClosed { userAgent.heldElsewhere = 2 * head.bytes.count + intake.bytes.count }
        let ending = await run(exchange, on: kept)
        userAgent.heldElsewhere = 0
        intake = exchange.intake
        former = exchange.tunnel
        switch ending {
        case .takeNext(let way):
            self.way = way
            return .request
        case .finish:
            userAgent.closeOrderly(awaitingPeer: true)
            return .end(.over)
        case .breakOff:
            userAgent.resetAfterDelivery()
            return .end(.over)
        case .relay(let way):
            return .end(.relay(way, early: intake.bytes))
        case .explain(let failure, let canGoOn):
            let closing = !canGoOn || !request.persists || idle.areUnwanted
            explain(failure, target: target, asHTML: asHTML, toHEAD: request.isHEAD, closing: closing)
            return closing ? .end(.over) : .request
        }
    }

    /// Whether what is asked for names no target, and can only be this proxy. By a Unix socket no browser comes.
    private func isForProxy(_ head: HTTPHead) -> Bool {
        guard !userAgent.isUnix, let line = head.requestLine else { return false }
        return line.target.first == UInt8(ascii: "/")
            || line.target.elementsEqual("*".utf8) && line.method.elementsEqual("OPTIONS".utf8)
    }

    private func turnAwayFromOtherName(_ head: HTTPHead) -> Next {
        explain(.otherName, target: nil, asHTML: AcceptHeader(head).takesHTML, toHEAD: head.isHEAD, closing: true)
        return .end(.over)
    }

    /// Asks for a name and a password (RFC 9110 section 11.7), if any are wanted.
    ///
    /// - Returns: nil when they are right.
    private func refusal(of head: HTTPHead) async -> Next? {
        guard rules.passwords != nil, ProxyAuthorization.isWanted(for: head) else { return nil }
        var failure = ExchangeFailure.unauthenticated(isWrong: false)
        if let given = ProxyAuthorization(head) {
            switch await rules.verdict(given.name, given.password, of: userAgent) {
            case .right: return nil
            case .wrong: failure = .unauthenticated(isWrong: true)
            case .unknown: failure = .busy
            }
        }
        // Whatever follows a CONNECT, or belongs to a body, would be read as the next request.
        let isConnect = ProxyNegotiation.isConnect(head)
        let goesOn = isConnect ? intake.bytes.isEmpty : (try? MessageBody(ofRequest: head)) == MessageBody.none
        let closing =
            !goesOn || idle.areUnwanted || head.minorVersion == 0 || head.hasToken("close", in: "Connection")
            || head.hasToken("close", in: "Proxy-Connection")
        explain(failure, target: nil, asHTML: AcceptHeader(head).takesHTML, toHEAD: head.isHEAD, closing: closing)
        return closing ? .end(.over) : .request
    }

    /// In a task of its own: one keeps the deepest stack it ever had, and this one may wait long for the next request.
    private func run(_ exchange: HTTPExchange, on kept: TargetConnection?) async -> HTTPExchange.Ending {
        let ended = Wait<HTTPExchange.Ending>(worker: worker)
        let former = former
        worker.spawn { ended.fulfill(await exchange.run(on: kept, former: former)) }
        return await ended.value(onTimeout: .breakOff, onCancel: .breakOff)
    }

    /// - Returns: nil when it is not the script that is asked for.
    private func script(for head: HTTPHead) -> Next? {
        guard let line = head.requestLine, PACFile.isAskedFor(by: line.target) else { return nil }
        guard head.isHEAD || line.method.elementsEqual("GET".utf8),
            (try? MessageBody(ofRequest: head)) == MessageBody.none
        else { return nil }
        let closing = head.minorVersion == 0 || head.hasToken("close", in: "Connection") || idle.areUnwanted
        let proxy = PACFile.proxy(askedBy: head, at: userAgent.localAddress)
        // A browser has no password for it. What it leaves out the proxy does itself, for those who have one.
        let direct = connector.direct.rules
        let file = PACFile(rules.passwords == nil ? direct : direct.withoutHosts, proxy: proxy)
        userAgent.write(file.answer(toHEAD: head.isHEAD, closing: closing))
        guard closing else { return .request }
        userAgent.closeOrderly(awaitingPeer: true)
        return .end(.over)
    }

    private func answer(_ request: FinalRequest) -> Next {
        let closing = !request.persists || idle.areUnwanted
        userAgent.write(request.answer(closing: closing))
        guard closing else { return .request }
        userAgent.closeOrderly(awaitingPeer: true)
        return .end(.over)
    }

    private func connect(_ head: HTTPHead) -> Next {
        guard let request = ProxyNegotiation.connect(head, early: intake.bytes) else {
            explain(.request(.connectTarget), target: nil, asHTML: false, toHEAD: false, closing: true)
            return .end(.over)
        }
        return .end(.connect(request))
    }

    private func explain(
        _ failure: ExchangeFailure, target: Address?, asHTML: Bool, toHEAD: Bool, closing: Bool
    ) {
        connector.log.requestRefused(failure, target: target)
        let here = userAgent.localAddress?.description ?? "this address"
        let page = ExplanationPage(
            failure.explanation(of: target, here: here), target: target,
            hasProxy: connector.dialer.servers.areBehindProxy)
        userAgent.write(page.answer(asHTML: asHTML, toHEAD: toHEAD, closing: closing))
        if closing { userAgent.closeOrderly(awaitingPeer: true) }
    }
}
