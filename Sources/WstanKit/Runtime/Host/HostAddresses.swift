import Glibc
import Synchronization
import WstanBase

/// The addresses of this host's interfaces, loopback included, and what else it listens on. Shared by all workers; each
/// asks once a second at most, and the kernel is asked no more often.
package final class HostAddresses: Sendable {
    /// How old an answer may be.
    static let life: Duration = .seconds(1)

    /// Why there was no first answer, if so. A later one that fails leaves the former in force.
    package let failure: SystemError?

    private struct State {
        var addresses: Set<Host>
        var nextLook: Instant
        /// Addresses that no interface has need not be a mistake (IP_FREEBIND).
        var listening: Set<Host> = []
    }

    private let state: Mutex<State>
    private let list: @Sendable () -> Result<Set<Host>, SystemError>

    /// - Parameter list: asks the kernel.
    init(
        now: Instant = .now(), list: @escaping @Sendable () -> Result<Set<Host>, SystemError> = { interfaces() }
    ) {
        self.list = list
        switch list() {
        case .success(let addresses):
            failure = nil
            state = Mutex(State(addresses: addresses, nextLook: now + Self.life))
        case .failure(let error):
            failure = error
            state = Mutex(State(addresses: [], nextLook: now))
        }
    }

    func current(now: Instant) -> Set<Host> {
        state.withLock { state in
            if now >= state.nextLook {
                state.nextLook = now + Self.life
                if case .success(let addresses) = list() { state.addresses = addresses }
            }
            return state.addresses.union(state.listening)
        }
    }

    func contains(_ host: Host, now: Instant) -> Bool { current(now: now).contains(host) }

    /// We listen there, and nowhere else.
    package func setListening(_ addresses: [SocketAddress]) {
        state.withLock { $0.listening = Set(addresses.map { Address($0).host.unmapped }) }
    }

    /// getifaddrs(3).
    static func interfaces() -> Result<Set<Host>, SystemError> {
        var list: UnsafeMutablePointer<ifaddrs>?
        do {
            _ = try SystemError.check("getifaddrs") { getifaddrs(&list) }
        } catch {
            return .failure(error)
        }
        defer { freeifaddrs(list) }
        var addresses: Set<Host> = []
        var entry = list
        while let current = entry {
            // An interface without any has an entry too.
            if let raw = current.pointee.ifa_addr, let address = SocketAddress(raw) {
                addresses.insert(Address(address).host.unmapped)
            }
            entry = current.pointee.ifa_next
        }
        return .success(addresses)
    }
}
