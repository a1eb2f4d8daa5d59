/// The answer to a user agent that is not told of success before the target has answered: the driver of `DeferredReplyMachine`.
/// It lives as long as the user agent's connection, over all tries. Confined to its worker.
///
/// Nothing is held for it: the first word that proves the target is there, data or the server's answer to an empty DAT,
/// sends the grant, and what is passed on goes behind it.
final class DeferredReply: @unchecked Sendable {
    private let userAgent: Stream
    private let request: ProxyNegotiation.Connect
    private let answerSupport: AnswerSupport
    private let failures: RecentFailures
    private let hasProxy: Bool
    private var machine = DeferredReplyMachine()
    private var server: AnswerSupport.Server?
    private var timer: Timers.ID?

    init(
        _ request: ProxyNegotiation.Connect, to userAgent: Stream, answerSupport: AnswerSupport,
        failures: RecentFailures, hasProxy: Bool
    ) {
        self.request = request
        self.userAgent = userAgent
        self.answerSupport = answerSupport
        self.failures = failures
        self.hasProxy = hasProxy
    }

    var isRefused: Bool { machine.state == .refused }

    /// To be called before anything can come for it.
    func watch(_ connection: Connection) {
        stop()
        server = nil
        machine.startedOver()
        connection.filter = { [weak self, weak connection] bytes in
            connection?.filter = nil
            guard let self else { return }
            carryOut(machine.receivedData())
            userAgent.write(bytes)
        }
        connection.peerAnswered = { [weak self] in
            guard let self else { return }
            carryOut(machine.serverAnswered())
        }
    }

    /// The request is on its way: asks the server to tell.
    func ask(_ connection: Connection, on tunnel: Tunnel) {
        guard tunnel.carries(connection), let server = AnswerSupport.Server(of: tunnel) else { return }
        self.server = server
        tunnel.askForAnswer(connection)
        // One that has asked for the outcome does not wait for the grant to send, so waiting costs it nothing.
        let patience =
            request.wantsOutcome || tunnel.version.tellsOfAnswers
            ? ClientLimits.answerFromTeller
            : answerSupport.patience(with: server, roundTrip: tunnel.stream.roundTrip)
        timer = userAgent.worker.schedule(after: patience) { [weak self] in
            guard let self else { return }
            timer = nil
            carryOut(machine.timePassed())
        }
    }

    func receivedReset(_ reset: Reset) {
        carryOut(machine.receivedReset(reset))
    }

    func failed(_ failure: ExchangeFailure) {
        carryOut(machine.failed(failure))
    }

    /// Nothing more comes on the connection.
    func stop() {
        if let timer { userAgent.worker.cancel(timer) }
        timer = nil
    }

    private func carryOut(_ action: DeferredReplyMachine.Action) {
        if let server, let behaviour = machine.behaviour { answerSupport.learn(behaviour, of: server) }
        switch action {
        case .nothing:
            return
        case .grant:
            // What is granted since time is up may still fail.
            if machine.isTargetThere { failures.succeeded(request.target) }
            userAgent.write(request.successReply)
        case .refuse(let failure):
            let here = userAgent.localAddress?.description ?? "this address"
            userAgent.write(request.reply.refusal(failure, target: request.target, here: here, hasProxy: hasProxy))
        }
    }
}
