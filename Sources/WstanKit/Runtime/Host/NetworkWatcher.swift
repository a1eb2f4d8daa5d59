import CLinux
import Glibc

/// Hears of changes of this host's addresses, routes and rules: rtnetlink(7).
package final class NetworkWatcher: Pollable, @unchecked Sendable {
    /// How long the messages of one change are gathered: it comes in many.
    private static let pause: Duration = .milliseconds(100)
    /// Datagrams taken before the other sockets of the worker have their turn.
    private static let turn = 64
    private static let groups =
        UInt32(RTMGRP_IPV4_IFADDR) | UInt32(RTMGRP_IPV6_IFADDR) | UInt32(RTMGRP_IPV4_ROUTE) | UInt32(RTMGRP_IPV6_ROUTE)
        | UInt32(RTMGRP_IPV4_RULE) | 1 << (UInt32(RTNLGRP_IPV6_RULE.rawValue) - 1)

    private let changed: (NetworkChange) -> Void
    private var change = NetworkChange()
    private var timer: Timers.ID?
    /// Whether another turn is due already: see `DatagramSocket`.
    private var isTurnDue = false

    /// - Parameter changed: called on the worker, once for all changes of a moment.
    package init(on worker: Worker, changed: @escaping (NetworkChange) -> Void) throws(SystemError) {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = try SystemError.check("socket") { socket(AF_NETLINK, type, NETLINK_ROUTE) }
        self.changed = changed
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = Self.groups
        let size = socklen_t(MemoryLayout<sockaddr_nl>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard result == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw SystemError(call: "bind", code: code)
        }
        try super.init(descriptor: descriptor, worker: worker)
    }

    override func handle(_ readiness: Readiness) {
        if !isTurnDue { receiveSome() }
        guard !change.isEmpty, timer == nil else { return }
        timer = worker.schedule(after: Self.pause) { [weak self] in self?.tell() }
    }

    private func tell() {
        timer = nil
        let told = change
        change = NetworkChange()
        changed(told)
    }

    private func receiveSome() {
        let buffer = worker.scratch.body()
        for _ in 0..<Self.turn {
            guard !isClosed else { return }
            let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_TRUNC))
            let code = errno
            if count < 0 {
                switch code {
                case EAGAIN: return
                case EINTR: continue
                // Messages were lost: who knows what they said.
                case ENOBUFS: change.mayBeAnything = true
                default: return
                }
            } else if count > buffer.count {
                change.mayBeAnything = true
            } else {
                RouteMessages.read(UnsafeRawBufferPointer(rebasing: buffer[..<count]), into: &change)
            }
        }
        isTurnDue = true
        worker.execute { [self] in
            isTurnDue = false
            handle([])
        }
    }

    package override func close() {
        if let timer { worker.cancel(timer) }
        timer = nil
        super.close()
    }
}

/// What has changed in this host's network, gathered over a moment.
package struct NetworkChange: Sendable, Equatable {
    /// Addresses that have come, gone or changed, without ports.
    private(set) var addresses: Set<SocketAddress> = []
    /// A route that may lead to any host.
    var touchesDefaultRoute = false
    /// The kernel had more to say than it could.
    var mayBeAnything = false
    /// Something else: another route, a rule.
    var hasMore = false

    /// More are not named one by one: then any address may have changed.
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
