/// The part of dialing that only `wss://` has.
extension Dialer {
    /// Shakes hands with the server, if its URI wants that, on a connection on which nothing has been said to it.
    func seal(_ uplink: Uplink) async -> Result<Uplink, DialFailure> {
        guard uplink.server.usesTLS, let context = options.tls else { return .success(uplink) }
        let server = uplink.server
        let side = TLSSession.Side.client(
            context, name: server.name, sessions: sessions, server: "\(server.name) \(server.address)")
        do throws(TLSFailure) {
            try await uplink.stream.startTLS(side, deadline: worker.now + options.handshakeTimeout)
            return .success(uplink)
        } catch {
            // In good order: the alert tells the server's administrator what this side does not like.
            uplink.stream.closeOrderly(awaitingPeer: false)
            switch error {
            case .reset: return .failure(.reset)
            case .timedOut: return .failure(.timedOut)
            default: return .failure(.tls(error))
            }
        }
    }
}
