import WstanBase

/// Connects to targets from here, those that the rules name. Confined to its worker.
struct DirectDialer: @unchecked Sendable {
    let rules: DirectRules
    let connector: Connector
    let timeout: Duration
    let listeners: OwnListeners

    /// - Parameter userAgent: on whose behalf names are looked up.
    func connect(to target: Address, for userAgent: Stream) async throws(DirectFailure) -> Stream {
        let worker = connector.worker
        let stream: Stream
        do {
            stream = try await connector.connect(
                to: target, for: Asker(userAgent.party), deadline: worker.now + timeout)
        } catch {
            throw .unreachable(error)
        }
        guard let local = stream.localAddress, let remote = stream.remoteAddress else {
            stream.close()
            throw .broken
        }
        // By where the connection has come to: names can be many, and be changed meanwhile.
        guard !listeners.accept(from: local, to: remote) else {
            stream.close()
            throw .ownListener
        }
        if !remote.isLoopback { stream.watchForVanishedPeer() }
        return stream
    }

    /// Where datagrams leave without the tunnel.
    ///
    /// - Parameter received: takes what comes back; says whether there was room for it.
    func datagramExit(for userAgent: Stream, received: @escaping (Datagram) -> Bool) -> DatagramExit {
        DatagramExit(
            on: connector.worker, resolver: connector.resolver, for: Asker(userAgent.party), received: received)
    }
}
