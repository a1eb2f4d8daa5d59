import WstanBase

/// Where this process listens, so that a client does not connect to itself over and over. Confined to its worker.
final class OwnListeners: @unchecked Sendable {
    var addresses: [SocketAddress] = []
    /// By which it may be asked for.
    var names = OwnNames()

    /// Whether a connection that was made here arrives here.
    ///
    /// - Parameters:
    ///   - remote: the address that it leads to.
    ///   - local: the address that it comes from: on the way to another of this host's addresses, the same.
    func accept(from local: SocketAddress, to remote: SocketAddress) -> Bool {
        let here = Address(local).host.unmapped
        let there = Address(remote).host.unmapped
        return addresses.contains { listener in
            guard listener.port == remote.port else { return false }
            switch Address(listener).host {
            case .ipv4(let address) where address.value == 0: return remote.isLoopback || there == here
            case .ipv6(let address) where address.high == 0 && address.low == 0:
                return remote.isLoopback || there == here
            case let host: return host.unmapped == there
            }
        }
    }
}
