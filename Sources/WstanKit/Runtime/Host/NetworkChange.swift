/// What has changed in this host's network, gathered over a moment.
struct NetworkChange: Sendable, Equatable {
    /// Addresses that have come, gone or changed, without ports.
    private(set) var addresses: Set<SocketAddress> = []
    /// A route that may lead to any host.
    var touchesDefaultRoute = false
    /// The kernel had more to say than it could.
    var mayBeAnything = false
    /// Something else: another route, a rule.
    var hasMore = false

    /// One who has so many addresses is told of all of them at once.
    static let mostAddresses = 64

    var isEmpty: Bool { addresses.isEmpty && !touchesDefaultRoute && !mayBeAnything && !hasMore }

    mutating func insert(_ address: SocketAddress) {
        guard addresses.count < Self.mostAddresses else {
            mayBeAnything = true
            return
        }
        addresses.insert(address)
    }

    /// Whether a connection from this address is concerned though the kernel would choose the same address again.
    func concerns(_ local: SocketAddress) -> Bool {
        touchesDefaultRoute || mayBeAnything || addresses.contains { $0.hasSameHost(as: local) }
    }
}
