import Logging

/// The events that operators alert on, by the journal's MESSAGE_ID: `journalctl MESSAGE_ID=...`. An interface: none of them
/// ever changes or is used for something else.
package enum MessageID: String, CaseIterable, CustomStringConvertible, Sendable {
    /// Every listener accepts.
    case started = "5bb18c3d8ce046dd9e69453bae3ee6b8"
    /// The process ends, as it was told to.
    case stopped = "7adaa55689a3445196e71a9fa9437651"
    /// It could not start, and ends.
    case startFailed = "0fc818fe266245d3b051e4db83a0b1fd"
    /// Another configuration is in force.
    case reloaded = "c9fbe2b4fbca482ea867cda0f5672083"
    /// The former configuration stays in force.
    case reloadFailed = "926bdc3cabd4450b96b2cfc37159cdf2"
    /// A name has another key.
    case keyRotated = "391e5d93a6bb479da02ca30314147645"
    /// A key is not accepted any more.
    case keyRetired = "6cf93d0342c34049904f8cedeb66d794"
    /// A request that no key fits.
    case wrongKey = "7479fef95b1b4354b00618b6605dfd43"
    /// A request that was seen before.
    case replayRefused = "d5d5830ee4b64087aaefb834c3b8ae3d"
    /// The rules forbid a target.
    case targetRefused = "717d28b6bb834af9bb99c6559da90ab2"
    /// Somebody was refused, or has to wait, by a limit or for want of descriptors.
    case limitReached = "c95f465ad59a4285839403cf84a243da"
    /// Another certificate is shown.
    case certificateRenewed = "cee27a419a6c43ffa671c5a5ad2acbfd"
    /// The new certificate is of no use, and the former one stays.
    case certificateRefused = "615a23a09d6a4405903face8bb3dfac6"
    /// A client could open no tunnel to a server, for the first time since it could, or for another reason than before.
    case serverLost = "7e38f015cd6e4b228bc4b252582f4367"
    /// It could again.
    case serverBack = "c65c9e854a2a4b2db1cd4c59705ae6b6"
    /// A worker does not turn: the watchdog is not fed.
    case workerHangs = "58560e3c77fc46f0b9ffd8a758904601"

    /// Under which the log's handlers find it among the metadata.
    static let key = "message-id"

    package var description: String { rawValue }

    /// - Returns: nil when an event has none.
    init?(in metadata: Logger.Metadata) {
        guard case .stringConvertible(let value)? = metadata[Self.key], let id = value as? MessageID else { return nil }
        self = id
    }
}

extension Logger.Metadata {
    /// What an event says beside its text, with its id.
    package static func of(_ id: MessageID, _ rest: Logger.Metadata = [:]) -> Logger.Metadata {
        rest.merging([MessageID.key: .stringConvertible(id)]) { $1 }
    }
}
