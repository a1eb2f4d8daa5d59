import WstanBase

/// Two connections joined, byte for byte: a user agent's, and one to a target that does not take the tunnel. Unlike a
/// tunnel it passes on that one side has finished while the other goes on. Confined to its worker.
final class DirectRelay: @unchecked Sendable {
    private let userAgent: Stream
    private let target: Stream
    /// In which bytes may still come.
    private var directionsLeft = 2
    private var news: Wait<Void>?

    private var worker: Worker { userAgent.worker }

    init(_ userAgent: Stream, _ target: Stream) {
        self.userAgent = userAgent
        self.target = target
    }

    /// Returns when both streams have ended, or end by themselves.
    func run() async {
        worker.budget.addTunnel()
        async let up: Void = move(from: userAgent, to: target)
        await move(from: target, to: userAgent)
        await up
        userAgent.closeOrderly(awaitingPeer: false)
        target.closeOrderly(awaitingPeer: false)
        worker.budget.removeTunnel()
    }

    private func move(from source: Stream, to sink: Stream) async {
        let hasFinished = await hasFinished(source, into: sink)
        directionsLeft -= 1
        news?.fulfill(())
        guard hasFinished else { return }
        sink.finish()
        await waitForOther(than: source, sink)
    }

    /// - Returns: whether the source has come to its end in good order; otherwise both have been ended.
    private func hasFinished(_ source: Stream, into sink: Stream) async -> Bool {
        var input = ReadLoop(source)
        while true {
            switch await input.next(while: { true }) {
            case .bytes(let bytes): sink.write(UnsafeRawBufferPointer(bytes))
            case .end: return true
            case .failed: return breakOff(source, sink)
            case .closed, .timedOut, .unwanted: return false
            }
            // Nobody else may be reading it any more.
            if sink.isGone { return breakOff(sink, source) }
            guard sink.pendingCount > 0 else { continue }
            guard await Backpressure.waitUntilSent(into: sink, from: source, while: { true }) else {
                return breakOff(source, sink)
            }
            input.rested()
        }
    }

    /// One of them was reset: so is the other, once it has got what had come before.
    private func breakOff(_ broken: Stream, _ other: Stream) -> Bool {
        broken.abort()
        other.resetAfterDelivery()
        return false
    }

    /// The source has sent everything. As long as it is there it gets what the other side still sends; closing and
    /// shutting down look the same from here, and one that has closed would be told of nothing that does not come.
    private func waitForOther(than source: Stream, _ sink: Stream) async {
        while directionsLeft > 0, !source.isClosed {
            let wait = Wait<Void>(worker: worker)
            news = wait
            await wait.value(deadline: worker.now + ClientLimits.lingerStep, onTimeout: (), onCancel: ())
            guard directionsLeft > 0, !source.isClosed else { return }
            if source.isGone {
                _ = breakOff(source, sink)
            } else if source.ownerHasLeft {
                source.close()
                sink.closeOrderly(awaitingPeer: false)
            }
        }
    }
}

/// What a session does for a target that does not take the tunnel.
extension UserAgentSession {
    /// Connects first and grants then: here it costs nothing to tell the truth.
    func carryDirectly(_ request: ProxyNegotiation.Connect) async {
        do throws(DirectFailure) {
            let target = try await direct.connect(to: request.target, for: userAgent)
            log.directConnected(request.target)
            userAgent.write(request.successReply)
            target.write(request.early)
            relay(to: target)
        } catch {
            log.directFailed(error, target: request.target)
            let here = userAgent.localAddress?.description ?? "this address"
            userAgent.write(request.reply.refusal(.direct(error), target: request.target, here: here, hasProxy: false))
            userAgent.closeOrderly(awaitingPeer: true)
            ended()
        }
    }

    /// After an exchange of HTTP by which both sides have turned to another protocol.
    func relay(_ way: DirectCarrier, of connection: Connection) async {
        if let target = await way.release() {
            relay(to: target)
        } else {
            switch connection.outcome {
            case .reset(let reset) where reset.isNormal: userAgent.closeOrderly(awaitingPeer: true)
            case .reset, .lost, nil: userAgent.resetAfterDelivery()
            }
            ended()
        }
    }

    private func relay(to target: Stream) {
        userAgent.worker.spawn { [self] in
            await DirectRelay(userAgent, target).run()
            ended()
        }
    }
}
