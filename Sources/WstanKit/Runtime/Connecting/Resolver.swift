import CLinux
import Glibc
import Synchronization
import WstanBase
import WstanConfig

/// Looks up names on the blocking pool.
package final class Resolver: Sendable {
    package enum Failure: Error, Equatable, CaseIterable {
        /// The name does not exist, or has no address.
        case notFound
        /// The name servers did not say; worth another try.
        case unavailable
        case timedOut
        case cancelled
        /// Too many look-ups of this asker are waiting.
        case tooMany
        /// This host is out of descriptors.
        case shortage

        package var text: String {
            switch self {
            case .notFound: "the name does not exist"
            case .unavailable: "the name servers do not answer"
            case .timedOut: "looking up the name took too long"
            case .cancelled: "cancelled"
            case .tooMany: "too many names are being looked up"
            case .shortage: SystemError.text(EMFILE)
            }
        }
    }

    package enum Family: Sendable {
        case ipv4
        case ipv6

        fileprivate var number: Int32 { self == .ipv4 ? AF_INET : AF_INET6 }
    }

    /// Says to another thread whether something is still wanted.
    private final class Flag: Sendable {
        private let value = Atomic(true)
        var isUp: Bool { value.load(ordering: .relaxed) }
        func lower() { value.store(false, ordering: .relaxed) }
    }

    private static let maxAddresses = 16

    private let pool: BlockingPool

    package init(pool: BlockingPool) {
        self.pool = pool
    }

    /// - Parameters:
    ///   - family: which addresses are asked for; nil asks for both, which waits for the slower answer.
    ///   - asker: on whose behalf; see `BlockingPool.submit`.
    ///   - worker: the one this is called on.
    /// - Returns: at least one address, in the order of RFC 6724.
    package func resolve(
        _ name: String, port: UInt16, family: Family?, for asker: Asker, on worker: Worker, deadline: Instant
    ) async throws(Failure) -> [SocketAddress] {
        // The system's resolver takes `\\120` for a letter: a name must not look like another than it is.
        guard !name.utf8.contains(UInt8(ascii: "\\")) else { throw .notFound }
        let wait = Wait<Result<[SocketAddress], Failure>>(worker: worker)
        let isWanted = Flag()
        defer { isWanted.lower() }
        let submitted = pool.submit(for: asker) {
            // It may have waited longer than anybody wants the answer.
            guard isWanted.isUp else { return }
            let answer = Self.lookUp(name, port: port, family: family)
            worker.execute { wait.fulfill(answer) }
        }
        guard submitted else { throw .tooMany }
        return try await wait.value(
            deadline: deadline, onTimeout: .failure(.timedOut), onCancel: .failure(.cancelled)
        ).get()
    }

    /// How long both families are waited for before each is asked for by itself.
    private static let patience: Duration = .milliseconds(300)

    /// For callers that cannot try one address after the other: the best one comes first; empty when the name has no address.
    ///
    /// An answer for both families is sorted by what this host reaches, but name servers that are silent about one hold
    /// it up. So after a while each is asked for by itself, and the first that has an address wins.
    func resolveSorted(
        _ name: String, for asker: Asker, on worker: Worker, deadline: Instant
    ) async -> [SocketAddress] {
        return await withTaskGroup(of: (family: Family?, answer: Result<[SocketAddress], Failure>).self) { group in
            for family in [nil, Family.ipv6, .ipv4] {
                group.addTask { [self] in
                    if family != nil { await worker.sleep(for: Self.patience) }
                    guard !Task.isCancelled else { return (family, .failure(.cancelled)) }
                    do throws(Failure) {
                        let addresses = try await resolve(
                            name, port: 0, family: family, for: asker, on: worker, deadline: deadline)
                        return (family, .success(addresses))
                    } catch {
                        return (family, .failure(error))
                    }
                }
            }
            defer { group.cancelAll() }
            for await (family, answer) in group {
                switch answer {
                case .success(let addresses): return addresses
                case .failure(.notFound) where family == nil: return []
                case .failure: continue
                }
            }
            return []
        }
    }

    /// Both families at once, on the calling thread; for the start of the program. Empty when there are none.
    package static func lookUpNow(_ name: String, port: UInt16) -> [SocketAddress] {
        [Family.ipv4, .ipv6].flatMap { (try? lookUp(name, port: port, family: $0).get()) ?? [] }
    }

    private static func lookUp(_ name: String, port: UInt16, family: Family?) -> Result<[SocketAddress], Failure> {
        var hints = addrinfo()
        hints.ai_family = family?.number ?? AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_protocol = Int32(IPPROTO_TCP)
        hints.ai_flags = AI_NUMERICSERV
        // A socket, and a file or another socket.
        guard !Descriptors.areExhausted(for: 2) else { return .failure(.shortage) }
        Descriptors.opened(2)
        defer { Descriptors.closed(2) }
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            return .failure(status == EAI_AGAIN || status == EAI_SYSTEM ? .unavailable : .notFound)
        }
        var addresses: [SocketAddress] = []
        var entry = list
        // Nobody tries more; a hostile answer may hold thousands.
        while let current = entry, addresses.count < maxAddresses {
            if let raw = current.pointee.ai_addr, let address = SocketAddress(raw), !addresses.contains(address) {
                addresses.append(address)
            }
            entry = current.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(.notFound) : .success(addresses)
    }
}
