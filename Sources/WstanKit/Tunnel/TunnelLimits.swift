/// Every bound on what a tunnel holds, and how long it waits for its peer.
enum TunnelLimits {
    /// The most that one tunnel holds, whatever its peers do: 709 KiB. One read waits for the WebSocket. Another one, with
    /// what may have to be sent again, waits for the near end, or else a request's data wait for a target that has not
    /// answered. A message with a tag may be incomplete. What TLS and the heads of HTTP take is bounded elsewhere.
    static let mostHeld = BlockPool.largest + max(BlockPool.largest + replay, mostHeldForTarget) + WireLimits.request
    /// A request that came in pieces, and the rest of the read that brought its end.
    static let mostHeldForTarget = WireLimits.request + Scratch.bodySize
    /// Data held for a target that has not answered; from then on the tunnel is not read.
    static let held = 64 * 1024
    /// The same of datagrams while the request for their association is judged.
    static let heldDatagrams = 64
    /// Bytes that may wait for the WebSocket when a request comes. An honest peer asks when it has read our reset, which
    /// is the last that was sent.
    static let pendingAtRequest = 16 * 1024
    /// The same in version 2, where a client that resets may ask again at once, behind what it no longer wants: a read,
    /// and answers.
    static let pendingAtRequestV2 = BlockPool.largest + pendingAtRequest
    /// REKEYs that may come between two moments at which nothing waits to be sent: a sender has one for a million records.
    static let rekeysAtOnce = 64
    /// How long a client that was told BYE may take to close an idle tunnel.
    static let farewell: Duration = .seconds(5)
    /// What a client sends before the server has said a word: as much as a server holds for a target that has not
    /// answered. Then it asks whether the target is there, and waits for the answer, or for `openingPause` where nobody
    /// answers: Python's servers do not, and one that uses uvloop breaks when much has come before its target has
    /// answered.
    static let opening = 64 * 1024
    static let openingPause: Duration = .milliseconds(250)
    /// What a user agent sent may be sent again if it is no more than this.
    static let replay = 16 * 1024
    /// Pieces of data up to this size are moved together before they are written.
    static let gathered = 16 * 1024
    /// While more than this waits for the network, datagrams are dropped instead of getting old.
    static let pendingDatagrams = 128 * 1024
    /// Frames of datagrams that one write takes together in version 1; in version 2 a record bounds it.
    static let gatheredDatagrams = 64 * 1024
    /// How long bytes may stand still before they are given up: when the user agent that sent them has left this host...
    static let stalled: Duration = .seconds(120)
    /// ...and when the sender has finished, and the peer that should take them is dead; or when a message is not complete.
    static let stalledForLong: Duration = .seconds(300)
    /// How often it is looked.
    static let stalledStep: Duration = .seconds(5)
    /// Bytes that one direction may move before the other connections of the worker have their turn.
    static let turn = 512 * 1024
    /// The same for datagrams: the smallest takes 15 bytes, and each costs a system call.
    static let datagramTurn = 16 * 1024
    /// How long the peer's reset may take while nothing moves, and at most. Long, since it travels behind what a slow target
    /// has not taken, and giving up loses that; a dead peer is found by its pulse.
    static let resetting: Duration = .seconds(300)
    static let resettingAtMost: Duration = .seconds(900)
    /// After a ping: see `KeepaliveMachine`. With an interval of 45 s a dead peer is found within a minute.
    static let patienceInUse: Duration = .seconds(14)
    static let patienceIdle: Duration = .seconds(9)
    /// After a ping because the network has changed: it is known to be up, so a peer that is there answers.
    static let patienceAfterChange: Duration = .seconds(3)
    /// The same after the machine has slept: a radio needs some seconds to find its network.
    static let patienceAfterSleep: Duration = .seconds(10)
    /// With the time that TCP takes to send again, see `Keepalive.probe`: as long as a dead peer takes to be found otherwise.
    static let longestProbe: Duration = .seconds(60)
    /// A request on a pooled tunnel is acknowledged within this time, or four round trips if those take longer, or the
    /// tunnel is taken for dead.
    static let acknowledgement: Duration = .milliseconds(500)
}
