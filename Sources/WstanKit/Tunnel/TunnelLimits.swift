/// Every bound on what a tunnel holds, and how long it waits for its peer.
///
/// A tunnel holds at most one read (128 KiB) for each of its two sockets, what waits for a target and one more read, and
/// control frames: below 512 KiB whatever its peers do.
enum TunnelLimits {
    /// Data held for a target that has not answered; then the tunnel is not read.
    static let held = 64 * 1024
    /// What a client sends before the server has said a word: as much as a server holds for a target that has not answered.
    /// Then it asks whether the target is there, and waits for the answer, or for `openingPause` where nobody answers:
    /// Python's servers do not, and one that uses uvloop breaks when much has come before its target has answered.
    static let opening = 64 * 1024
    static let openingPause: Duration = .milliseconds(250)
    /// What a user agent sent may be sent again if it is no more than this.
    static let replay = 16 * 1024
    /// Control frames that the peer does not take; then the tunnel is not read either.
    static let control = 32 * 1024
    /// Bytes that one direction may move before the other connections of the worker have their turn.
    static let turn = 512 * 1024
    /// How long the peer's reset may take.
    static let resetting: Duration = .seconds(10)
    /// After a ping: see `Heartbeat`. With an interval of 45 s a dead peer is found within a minute.
    static let patienceInUse: Duration = .seconds(14)
    static let patienceIdle: Duration = .seconds(9)
}
