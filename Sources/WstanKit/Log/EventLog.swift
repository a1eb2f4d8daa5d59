import Logging
import Synchronization
import WstanBase

/// What is logged. Each event is a function of an extension beside its room (`ClientEvents`, `ServerEvents`,
/// `DaemonEvents`, `TunnelEvents`): a static text, metadata and reason codes; never keys, never what was decrypted,
/// targets only at `debug`. Nothing at `info` or above for a connection that goes well.
package struct EventLog: Sendable {
    /// Copied with the log, so all events have one level.
    package let logger: Logger
    /// Shared by all who log.
    package let throttle: Throttle
    private let gathered: Gathered

    private final class Gathered: Sendable {
        let refusals = Mutex(GatheredRefusals())
        /// What every server on the internet gets, logged at `info`. Apart, so that it takes no source's place among the
        /// refusals.
        let noise = Mutex(GatheredRefusals())
    }

    package init(_ logger: Logger) {
        self.logger = logger
        throttle = Throttle()
        gathered = Gathered()
    }

    /// Counts what a source is refused again within a minute, instead of a line for each.
    ///
    /// - Parameters:
    ///   - reason: its code.
    ///   - source: what a line names.
    /// - Returns: when `logGathered` has something to log; nil when this refusal is to be logged at once.
    func gather(_ reason: String, _ level: Logger.Level, of source: String, now: Instant) -> Instant? {
        logLines(upTo: now)
        let action =
            level < .notice
            ? gathered.noise.withLock { $0.refused(reason, of: source, now: now) }
            : gathered.refusals.withLock { $0.refused(reason, of: source, now: now) }
        switch action {
        case .log: return nil
        case .counted(let end): return end
        }
    }

    /// Logs what was gathered until the given time; nil: all there is.
    ///
    /// - Returns: when there is next something to log.
    @discardableResult
    func logGathered(upTo now: Instant?) -> Instant? {
        logLines(upTo: now)
        let next = gathered.refusals.withLock { $0.nextEnd }
        let nextNoise = gathered.noise.withLock { $0.nextEnd }
        return [next, nextNoise].compactMap(\.self).min()
    }

    private func logLines(upTo now: Instant?) {
        for line in gathered.refusals.withLock({ $0.removeLines(now: now) }) { log(line, at: .notice) }
        for line in gathered.noise.withLock({ $0.removeLines(now: now) }) { log(line, at: .info) }
    }

    private func log(_ line: GatheredRefusals.Line, at level: Logger.Level) {
        let reasons = line.counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        logger.log(
            level: level, "refused again within a minute",
            metadata: ["source": "\(line.source ?? "others")", "reasons": "\(reasons.joined(separator: ", "))"])
    }
}

extension Logger.Metadata {
    /// - Parameter missed: how many of an event the throttle has kept back.
    package static func repeated(_ missed: Int) -> Logger.Metadata {
        missed > 0 ? ["repeated": "\(missed)"] : [:]
    }

    mutating func addRepeated(_ missed: Int) {
        if missed > 0 { self["repeated"] = "\(missed)" }
    }
}
