import WstanBase
import WstanConfig

/// Checks names and passwords against the users file. Hashing takes long on purpose, so it is done on threads of its
/// own, and what was right is remembered. Confined to its worker; the threads are shared.
final class PasswordChecker: @unchecked Sendable {
    enum Verdict: Equatable, Sendable {
        case right
        case wrong
        /// Too many checks are waiting, or it took too long: nothing is known.
        case unknown
    }

    private let worker: Worker
    private let threads: BlockingPool
    private let users: [[UInt8]: String]
    /// For names that nobody has: checked all the same, so that the time tells nobody which names there are.
    private let decoys: [String]
    private let maker = Fingerprint.Maker()
    private var known = RecentFingerprints(capacity: ClientLimits.knownPasswords)
    /// What is being checked, and who waits for it: a browser asks for much at once.
    private var pending: [Fingerprint: [Wait<Verdict>]] = [:]
    private var checks: [AnyHashable: Int] = [:]

    init(worker: Worker, users: UsersFile, threads: BlockingPool) {
        self.worker = worker
        self.threads = threads
        self.users = Dictionary(users.users.map { ($0.name, $0.hash) }, uniquingKeysWith: { first, _ in first })
        decoys = users.users.map(\.hash)
    }

    /// - Parameter client: whose check this is; none gets more than half of the threads, and of the others' rest. Only asked
    ///   for when something has to be checked, since the kernel is asked for it.
    func check(
        _ name: [UInt8], _ password: [UInt8], for client: @autoclosure () -> AnyHashable
    ) async -> Verdict {
        let credentials = maker.fingerprint(of: [name, password])
        if known.contains(credentials) { return .right }
        let wait = Wait<Verdict>(worker: worker)
        if pending[credentials] != nil {
            pending[credentials]?.append(wait)
        } else {
            pending[credentials] = [wait]
            begin(credentials, name, password, for: client())
        }
        return await wait.value(
            deadline: worker.now + ClientLimits.passwordCheck, onTimeout: .unknown, onCancel: .unknown)
    }

    private func begin(_ credentials: Fingerprint, _ name: [UInt8], _ password: [UInt8], for client: AnyHashable) {
        let running = checks[client, default: 0]
        guard running < ClientLimits.passwordChecks else { return end(credentials, .unknown) }
        let hash = users[name]
        // The same one for the same name, so that trying it twice tells nothing either.
        let tried = hash ?? decoys[maker.fingerprint(of: [name]).place(among: decoys.count)]
        let client = Client(key: client)
        let isSubmitted = threads.submit(for: client.key) { [self] in
            let matches = PasswordHash.matches(password, tried)
            worker.execute { [self] in finish(credentials, matches && hash != nil ? .right : .wrong, for: client) }
        }
        guard isSubmitted else { return end(credentials, .unknown) }
        checks[client.key] = running + 1
    }

    /// Only compared, never changed.
    private struct Client: @unchecked Sendable {
        let key: AnyHashable
    }

    private func finish(_ credentials: Fingerprint, _ verdict: Verdict, for client: Client) {
        let left = checks[client.key, default: 1] - 1
        checks[client.key] = left > 0 ? left : nil
        if verdict == .right { known.insert(credentials) }
        end(credentials, verdict)
    }

    private func end(_ credentials: Fingerprint, _ verdict: Verdict) {
        for wait in pending.removeValue(forKey: credentials) ?? [] { wait.fulfill(verdict) }
    }
}

/// A set of fingerprints that forgets the oldest when it is full.
struct RecentFingerprints {
    private let capacity: Int
    private var all: Set<Fingerprint> = []
    /// In the order in which they came, as a ring.
    private var order: [Fingerprint] = []
    private var oldest = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    func contains(_ fingerprint: Fingerprint) -> Bool { all.contains(fingerprint) }

    mutating func insert(_ fingerprint: Fingerprint) {
        guard capacity > 0, all.insert(fingerprint).inserted else { return }
        guard order.count == capacity else { return order.append(fingerprint) }
        all.remove(order[oldest])
        order[oldest] = fingerprint
        oldest = (oldest + 1) % capacity
    }
}
