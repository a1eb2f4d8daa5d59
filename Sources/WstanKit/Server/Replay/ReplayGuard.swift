import Synchronization
import WstanBase

/// Remembers every request that was accepted until it has expired, so that none is accepted twice, by this process or by
/// the next one. Exact, bounded, and closed when full. Shared by all workers.
package final class ReplayGuard: Sendable {
    package enum Admission {
        /// It is remembered from now on, wherever it can be.
        case new
        /// Or it may have been: it was made before a mark that stands in for what is not known any more. Or its time is
        /// none.
        case seen
        case full
    }

    private struct Kept {
        var memory: ReplayMemory
        let journal: ReplayJournal?
        var lifetime: RequestLifetime

        func noteLifetime(_ now: Double) {
            journal?.note(lifetime: lifetime.shortest(at: now))
        }
    }

    private let kept: Mutex<Kept>
    private let marks: ReplayWatermarkWriter?

    /// - Parameters:
    ///   - opened: where requests are written down as well, with as many slots as the capacity; nil: nowhere.
    ///   - marks: for when that is gone; nil: all that is not known was never seen.
    ///   - lifetime: of a request, in seconds; infinite: whoever asks knows it.
    ///   - now: seconds since the epoch, as everywhere here.
    package init(
        capacity: Int = ServerLimits.seenRequests, opened: ReplayJournal.Opened? = nil,
        marks: ReplayWatermarkWriter? = nil,
        lifetime: Double = .infinity, now: Double = 0
    ) {
        let first = Kept(
            memory: ReplayMemory(capacity: capacity, remembering: opened?.records ?? [], now: now),
            journal: opened?.journal, lifetime: RequestLifetime(lifetime, succeeding: opened?.lifetime, now: now))
        first.noteLifetime(now)
        kept = Mutex(first)
        self.marks = marks
    }

    /// How old, or how far ahead, a request that was made at a time may be at most, in seconds.
    func lifetime(ofRequestAt time: Double) -> Double {
        kept.withLock { $0.lifetime.of(requestAt: time) }
    }

    /// What is admitted is in the journal when this returns.
    ///
    /// - Parameters:
    ///   - token: what is unique to the request: its nonce or, where that has no part in it, its tag.
    ///   - time: of the request.
    ///   - key: under which it was sealed.
    ///   - expiry: when the request's own time makes it worthless.
    func admit(_ token: Nonce, of time: Double, under key: KeyID, expiry: Double, now: Double) -> Admission {
        if let marks, marks.refuses(time, of: key, now: now) { return .seen }
        let admission = kept.withLock { kept in
            let admission = kept.memory.admit(token, expiry: expiry, now: now)
            if case .new(let slot) = admission {
                kept.journal?.write(ReplayRecord(token: token, expiry: expiry, slot: slot))
            }
            return admission
        }
        switch admission {
        case .new:
            marks?.accepted(time, of: key, now: now)
            return .new
        case .seen: return .seen
        case .full: return .full
        }
    }

    /// To be awaited before a request that was admitted is answered. It rarely takes any time.
    ///
    /// - Returns: whether it has.
    func settle(_ time: Double, under key: KeyID, on worker: Worker) async -> Bool {
        await marks?.settle(time, of: key, on: worker) ?? false
    }

    /// To be called every few seconds. Does not block.
    package func moveOn(now: Double) {
        marks?.moveOn(now: now)
        kept.withLock { $0.noteLifetime(now) }
    }

    /// Of a request, in seconds; it is another one from now on.
    package func apply(lifetime: Double, now: Double) {
        marks?.apply(lifetime: lifetime)
        kept.withLock { kept in
            kept.lifetime.apply(lifetime, now: now)
            kept.noteLifetime(now)
        }
    }

    /// The last thing, when nothing is admitted any more. Blocks.
    package func close(now: Double) {
        marks?.close(now: now)
    }
}
