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
