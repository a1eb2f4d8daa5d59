import WstanBase
import WstanConfig

/// Checks names and passwords against the users file. Hashing takes long on purpose, so it is done on threads of its
/// own, and what was right is remembered. Confined to its worker; the order of checks, and the threads, are those of all workers.
final class PasswordChecker: @unchecked Sendable {
    enum Verdict: Equatable, Sendable {
        case right
        case wrong
        /// Too many checks are waiting, or it took too long: nothing is known.
        case unknown
    }

    let worker: Worker
    private let shared: PasswordChecks
    private let users: [[UInt8]: String]
    /// For names that nobody has: checked all the same, so that the time tells nobody which names there are.
    private let decoys: [String]
    private var known = RecentFingerprints(capacity: ClientLimits.knownPasswords)
    /// What waits, or is being checked, and who waits for it: a browser asks for much at once.
    private var pending: [Fingerprint: [Wait<Verdict>]] = [:]

    /// Its contents are for its checker's worker only.
    struct Check: @unchecked Sendable {
        let checker: PasswordChecker
        let credentials: Fingerprint
        let name: [UInt8]
        let password: [UInt8]
        let isWanted: () -> Bool
    }

    init(worker: Worker, users: UsersFile, shared: PasswordChecks) {
        self.worker = worker
        self.shared = shared
        self.users = Dictionary(users.users.map { ($0.name, $0.hash) }, uniquingKeysWith: { first, _ in first })
        decoys = users.users.map(\.hash)
    }

    /// - Parameters:
    ///   - client: whose check this is; none gets more than half of the threads, and of the others' rest. Only asked for
    ///     when something has to be checked, since the kernel is asked for it.
    ///   - isWanted: whether anybody still wants the answer.
    func check(
        _ name: [UInt8], _ password: [UInt8], for client: @autoclosure () -> Party,
        isWanted: @escaping () -> Bool = { true }
    ) async -> Verdict {
        let credentials = shared.maker.fingerprint(of: [name, password])
        if known.contains(credentials) { return .right }
        let wait = Wait<Verdict>(worker: worker)
        if pending[credentials] != nil {
            pending[credentials]?.append(wait)
        } else {
            pending[credentials] = [wait]
            let line = PasswordChecks.Line(client: client(), name: shared.maker.fingerprint(of: [name]))
            let check = Check(
                checker: self, credentials: credentials, name: name, password: password, isWanted: isWanted)
            if !shared.add(check, to: line, now: worker.now) { end(credentials, .unknown) }
        }
        return await wait.value(
            deadline: worker.now + ClientLimits.passwordCheck, onTimeout: .unknown, onCancel: .unknown)
    }

    /// It is the check's turn.
    func begin(_ check: Check, _ line: PasswordChecks.Line) {
        guard check.isWanted() || pending[check.credentials].map({ $0.count > 1 }) ?? false else {
            return leave(line, check.credentials, .unknown)
        }
        let hash = users[check.name]
        // The same one for the same name, so that trying it twice tells nothing either.
        let tried = hash ?? decoys[line.name.place(among: decoys.count)]
        let (credentials, password) = (check.credentials, check.password)
        let isSubmitted = shared.threads.submit(for: Asker(line.client)) { [self] in
            let matches = PasswordHash.matches(password, tried)
            worker.execute { [self] in finish(credentials, matches && hash != nil ? .right : .wrong, line) }
        }
        if !isSubmitted { leave(line, credentials, .unknown) }
    }

    /// What was right is told at once.
    private func finish(_ credentials: Fingerprint, _ verdict: Verdict, _ line: PasswordChecks.Line) {
        if verdict == .right { known.insert(credentials) }
        let pause = shared.finished(line, isWrong: verdict == .wrong, now: worker.now)
        guard pause > .zero else { return leave(line, credentials, verdict) }
        _ = worker.schedule(after: pause) { [self] in leave(line, credentials, verdict) }
    }

    private func leave(_ line: PasswordChecks.Line, _ credentials: Fingerprint, _ verdict: Verdict) {
        end(credentials, verdict)
        shared.left(line)
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
