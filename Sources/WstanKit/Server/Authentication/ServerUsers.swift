import WstanBase

/// The users that a server accepts in version 2, and how often the key of each has been used. Confined to its worker.
final class ServerUsers: @unchecked Sendable {
    private var identity: ServerIdentity?
    /// Of those that are accepted, since the process began.
    private(set) var uses: [KeyID: KeyUse] = [:]

    init(_ identity: ServerIdentity?) {
        self.identity = identity
    }

    /// These are accepted from now on.
    func install(_ identity: ServerIdentity?) {
        self.identity = identity
        uses = uses.filter { user($0.key) != nil }
    }

    /// - Parameters:
    ///   - lifetime: of a request.
    ///   - now: looked at each time, so that the server's former key ends on time, though it is dropped later.
    func handshake(lifetime: Duration, now: Double) -> ServerHandshakeV2? {
        identity.map { identity in
            var keys = identity.keys
            if let end = identity.formerExpiry, end <= CalendarTime(seconds: now) { keys.former = nil }
            return ServerHandshakeV2(
                keys: keys, realm: identity.realm, users: identity.users, ciphers: identity.ciphers,
                lifetime: UInt64(clamping: lifetime.wholeNanoseconds / 1_000_000))
        }
    }

    /// When what a request was made with ends, as far as that is known: its user's key, or the server's.
    func end(of judged: JudgedRequest) -> WireTime? {
        let isOfFormer = identity?.keys.former?.publicKey.id == judged.serverKey
        let ofServer = isOfFormer ? identity?.formerExpiry.map { WireTime($0) } : nil
        return [judged.user.expiry, ofServer].compactMap { $0 }.min()
    }

    /// - Returns: nil for a key that is no user's, or was revoked.
    private func user(_ id: KeyID) -> RingUser? {
        identity?.users.user(UserKeyID(id), at: WireTime(CalendarTime(seconds: WallClock.now())))
    }

    /// Whether it is a user's, though it may have expired.
    func knows(_ id: KeyID) -> Bool { user(id) != nil }

    /// Whether something new may be asked for with it.
    func accepts(_ id: KeyID, now: Double) -> Bool {
        user(id).map { !$0.isExpired(at: WireTime(CalendarTime(seconds: now))) } ?? false
    }

    /// - Parameter server: the server's key that the request was for; nil for one on a tunnel.
    func used(_ id: KeyID, of server: KeyID? = nil, now: Double) {
        uses[id, default: KeyUse()].count(at: CalendarTime(seconds: now), with: server)
    }
}
