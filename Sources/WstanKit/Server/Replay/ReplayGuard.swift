import Synchronization
import WstanBase

/// Remembers every request that was accepted until it has expired, so that none is accepted twice, by this process or by
/// the next one. Exact, bounded, and closed to a name of keys when its share is full. Shared by all workers.
package final class ReplayGuard: Sendable {
    package enum Admission: Equatable {
        /// It is remembered from now on, wherever it can be.
        case new
        /// Or it may have been: it was made before a mark that stands in for what is not known any more. Or its time is
        /// none.
        case seen
        /// Its time is one whose requests are not known any more: the clock was set back. So many seconds later it is not.
        case forgotten(seconds: Double)
        /// The share of its key's name is.
        case full
        /// Its key's name opens more tunnels than `max-tunnel-rate`.
        case tooFast
    }

    /// A request, as it is told from others.
    struct Claim {
        /// What is unique to the request: its nonce or, where that has no part in it, its tag.
        let token: Nonce
        /// Under which it was sealed.
        let key: KeyID
        /// When it was made.
        let time: Double
        /// For how many seconds it may be accepted from then on.
        let lifetime: Double
        /// It opens a tunnel; or it came as a message on one.
        var opens = true
    }

    private struct Kept {
        var memory: ReplayMemory
        let journal: ReplayJournal?
        var lifetime: RequestLifetime

        func noteLifetime(_ now: Double) {
            journal?.note(lifetime: lifetime.shortest(at: now), longest: lifetime.longest(at: now))
        }

        mutating func admit(_ claim: Claim, _ now: Moment) -> ReplayMemory.Admission {
            let admission = memory.admit(
                claim.token, under: claim.key, madeAt: claim.time, lifetime: claim.lifetime, opens: claim.opens,
                now: now)
            // Before its slot is used again.
            journal?.note(memory.noted)
            if case .new(let slot) = admission {
                journal?.write(
                    ReplayRecord(key: claim.key, content: .request(claim.token), time: claim.time, slot: slot))
            }
            return admission
        }
    }

    private let kept: Mutex<Kept>
    private let marks: ReplayWatermarkWriter?
    private let tell: @Sendable (ReplayJournal.Trouble) -> Void

    /// - Parameters:
    ///   - opened: where requests are written down as well, with as many slots as the capacity; nil: nowhere.
    ///   - marks: for when that is gone; nil: all that is not known was never seen.
    ///   - lifetime: of a request, in seconds; infinite: the caller knows it.
    ///   - tell: of what befalls the journal.
    package init(
        capacity: Int = ServerLimits.seenRequests, opened: ReplayJournal.Opened? = nil,
        marks: ReplayWatermarkWriter? = nil, lifetime: Double = .infinity, now: Moment = Moment(wall: 0, boot: 0),
        tell: @escaping @Sendable (ReplayJournal.Trouble) -> Void = { _ in }
    ) {
        let left = ReplayMemory.Inheritance(
            records: opened?.records ?? [], forgotten: opened?.forgotten ?? ForgottenSpans(),
            lifetime: max(lifetime, opened?.lifetime ?? 0), longest: opened?.longest ?? 0)
        let first = Kept(
            memory: ReplayMemory(capacity: capacity, inheriting: left, now: now), journal: opened?.journal,
            lifetime: RequestLifetime(lifetime, succeeding: opened?.lifetime, longest: opened?.longest, now: now.wall))
        first.noteLifetime(now.wall)
        first.journal?.note(first.memory.noted)
        kept = Mutex(first)
        self.marks = marks
        self.tell = tell
    }

    /// How old, or how far ahead, a request that was made at a time may be at most, in seconds.
    func lifetime(ofRequestAt time: Double) -> Double {
        kept.withLock { $0.lifetime.of(requestAt: time) }
    }

    /// What is admitted is in the journal when this returns.
    func admit(_ claim: Claim, now: Moment) -> Admission {
        if let marks, marks.refuses(claim.time, of: claim.key, now: now.wall) { return .seen }
        switch kept.withLock({ $0.admit(claim, now) }) {
        case .new:
            marks?.accepted(claim.time, of: claim.key, now: now.wall)
            return .new
        case .seen: return .seen
        case .forgotten(let seconds): return .forgotten(seconds: seconds)
        case .full: return .full
        case .tooFast: return .tooFast
        }
    }

    /// A glance, before a request is known to be authentic: whether the same was accepted. What `admit` says counts.
    func remembers(_ token: Nonce, under key: KeyID) -> Bool {
        kept.withLock { $0.memory.isSeen(token, under: key) }
    }

    /// Counts a tunnel whose request is not remembered.
    ///
    /// - Returns: false when its key's name opens too many.
    func opens(under key: KeyID, now: Moment) -> Bool {
        kept.withLock { $0.memory.opens(under: key, now: now) }
    }

    /// Whose requests take the most of the memory.
    var largestHolder: ReplayShares.Holder { kept.withLock { $0.memory.largestHolder } }

    /// To be awaited before a request that was admitted is answered. It rarely takes any time.
    func settle(_ time: Double, under key: KeyID, on worker: Worker) async {
        _ = await marks?.settle(time, of: key, on: worker)
    }

    /// To be called every few seconds. Does not block for long: only a journal that was damaged meanwhile is written anew.
    package func moveOn(now: Double) {
        noteReach(now)
        marks?.moveOn(now: now)
        let trouble = kept.withLock { kept in
            kept.noteLifetime(now)
            return kept.journal?.look { kept.memory.records }
        }
        if let trouble { tell(trouble) }
    }

    /// These keys are accepted from now on. What is remembered of others is forgotten, but for a line each.
    package func install(_ names: [KeyID: KeyName]) {
        kept.withLock { kept in
            for line in kept.memory.install(names) { kept.journal?.write(line) }
        }
    }

    /// - Parameters:
    ///   - lifetime: of a request, in seconds; it is another one from now on.
    ///   - rate: how many tunnels a name opens per second at most; 0: no limit.
    package func apply(lifetime: Double, rate: Int = 0, now: Double) {
        kept.withLock { kept in
            kept.memory.apply(rate: rate)
            kept.lifetime.apply(lifetime, now: now)
            kept.noteLifetime(now)
        }
        noteReach(now)
    }

    /// How far a mark may be ahead that was right.
    private func noteReach(_ now: Double) {
        let longest = kept.withLock { $0.lifetime.longest(at: now) }
        if longest.isFinite { marks?.apply(lifetime: longest) }
    }

    /// The last thing, when nothing is admitted any more. Blocks.
    package func close(now: Double) {
        marks?.close(now: now)
    }
}
