import Synchronization
import WstanBase

/// What has failed of late, as a value: the targets, the names that could not be looked up, and whether a tunnel could be
/// opened at all. A user agent that asks for one of them again is told the outcome (`early-reply = auto`). A wrong entry
/// costs one connection one round trip.
///
/// A try that was granted early and has failed is repeated at once by user agents such as browsers, so they would try what
/// fails more often than without a proxy. The outcome of such a try is owed: the next try is told it, and no other is made.
struct FailureMemory {
    private struct Failure {
        var at: Instant
        var owed: Owed?
    }

    private struct Owed {
        let outcome: Reset
        var tries: Int
        let until: Instant
    }

    private enum Subject: Hashable {
        case target(Address)
        /// In lower case, without the root's dot. Its ports fail with it.
        case name(String)
        /// No tunnel could be opened: every target fails.
        case server
    }

    enum Cause: Equatable {
        /// The connection to the target, or what stands for it at the server.
        case connection
        case lookUp
        case server

        init(_ reset: Reset) {
            switch reset.isUnreachable ? ConnectCause(saidByServer: reset.detail) : nil {
            case .nameNotFound, .nameServersSilent, .lookUpTimedOut: self = .lookUp
            case .tooManyLookUps, .refused, .timedOut, .networkUnreachable, .hostUnreachable, .reset, .shortage, nil:
                self = .connection
            }
        }
    }

    private var failures: [Subject: Failure] = [:]

    var isEmpty: Bool { failures.isEmpty }

    mutating func failed(_ target: Address, _ cause: Cause, now: Instant) {
        let subject = Self.subject(target, cause)
        if failures[subject] == nil, failures.count >= ClientLimits.rememberedFailures { makeRoom(now) }
        failures[subject, default: Failure(at: now)].at = now
    }

    /// The server has said so of a try whose user agent had been told of success.
    mutating func failedAfterGrant(_ target: Address, _ outcome: Reset, now: Instant) {
        let cause = Cause(outcome)
        failed(target, cause, now: now)
        // What is longer than a server of ours says is not kept.
        guard Self.isLasting(outcome), max(outcome.reason.utf8.count, outcome.detail.utf8.count) <= WireLimits.resetText
        else { return }
        let subject = Self.subject(target, cause)
        let before = failures[subject]?.owed.map { now < $0.until ? $0.tries : 0 } ?? 0
        failures[subject]?.owed = Owed(outcome: outcome, tries: before + 1, until: now + ClientLimits.owedOutcome)
    }

    /// What the next try for this target is to be told without being made. Each outcome is taken once, so a target that is
    /// back refuses no user agent twice.
    mutating func takeOwed(_ target: Address, now: Instant) -> Reset? {
        guard !failures.isEmpty else { return nil }
        for subject in Self.subjects(of: target) {
            guard var owed = failures[subject]?.owed, now < owed.until else { continue }
            owed.tries -= 1
            failures[subject]?.owed = owed.tries > 0 ? owed : nil
            return owed.outcome
        }
        return nil
    }

    /// The target has answered.
    mutating func succeeded(_ target: Address) {
        for subject in Self.subjects(of: target) { failures[subject] = nil }
    }

    func hasFailed(_ target: Address, now: Instant) -> Bool {
        !failures.isEmpty
            && Self.subjects(of: target).contains { subject in
                failures[subject].map { now < $0.at + ClientLimits.failureMemory } ?? false
            }
    }

    /// Whether a try at once would end the same way. What a server is short of it may have then.
    private static func isLasting(_ outcome: Reset) -> Bool {
        guard outcome.isUnreachable else { return outcome.forbiddingKey != nil }
        return switch ConnectCause(saidByServer: outcome.detail) {
        case .nameNotFound, .refused, .timedOut, .networkUnreachable, .hostUnreachable: true
        case .nameServersSilent, .lookUpTimedOut, .tooManyLookUps, .reset, .shortage, nil: false
        }
    }

    private mutating func makeRoom(_ now: Instant) {
        failures = failures.filter { now < $0.value.at + ClientLimits.failureMemory }
        guard failures.count >= ClientLimits.rememberedFailures,
            let oldest = failures.min(by: { $0.value.at < $1.value.at })
        else { return }
        failures[oldest.key] = nil
    }

    private static func subject(_ target: Address, _ cause: Cause) -> Subject {
        switch (cause, target.host) {
        case (.server, _): .server
        case (.lookUp, .name(let name)): .name(canonical(name))
        case (.connection, _), (.lookUp, .ipv4), (.lookUp, .ipv6): .target(canonical(target))
        }
    }

    private static func subjects(of target: Address) -> [Subject] {
        [.server, subject(target, .lookUp), subject(target, .connection)]
    }

    private static func canonical(_ target: Address) -> Address {
        guard case .name(let name) = target.host else { return target }
        return Address(host: .name(canonical(name)), port: target.port)
    }

    /// Names are compared without regard to case (RFC 4343), and the root's dot only says that they are whole.
    private static func canonical(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.utf8.last == UInt8(ascii: ".") ? String(lower.dropLast()) : lower
    }
}

/// The memory of a client. All workers share it: a user agent's next try arrives on another one.
package final class RecentFailures: Sendable {
    private let memory = Mutex(FailureMemory())

    package init() {}

    func failed(_ target: Address, _ cause: FailureMemory.Cause, now: Instant) {
        memory.withLock { $0.failed(target, cause, now: now) }
    }

    func failedAfterGrant(_ target: Address, _ outcome: Reset, now: Instant) {
        memory.withLock { $0.failedAfterGrant(target, outcome, now: now) }
    }

    func takeOwed(_ target: Address, now: Instant) -> Reset? {
        memory.withLock { $0.takeOwed(target, now: now) }
    }

    func succeeded(_ target: Address) {
        memory.withLock { $0.succeeded(target) }
    }

    func hold(_ target: Address, now: Instant) -> Bool {
        memory.withLock { $0.hasFailed(target, now: now) }
    }
}
