import WstanBase

/// Which user agents the client serves. Confined to its worker.
final class ClientAccess: @unchecked Sendable {
    /// nil: nobody is asked for a password.
    let passwords: PasswordChecker?
    private let allowedUsers: Set<UInt32>
    let datagrams: DatagramAccess
    private let log: EventLog

    /// - Parameter allowedUsers: users of this host; empty: everybody.
    init(allowedUsers: Set<UInt32>, passwords: PasswordChecker?, worker: Worker, log: EventLog) {
        datagrams = DatagramAccess(worker: worker)
        self.allowedUsers = allowedUsers
        self.passwords = passwords
        self.log = log
    }

    /// Whether `allow-uid` lets this user agent in; to be asked before anything else is done for it, be it at a forward.
    func admits(_ userAgent: Stream) -> Bool {
        guard !allowedUsers.isEmpty else { return true }
        let user: UInt32?
        switch userAgent.peerOwner {
        case .open(let found): user = found
        case .unknown: user = nil
        // It has left before it was asked.
        case .closed: return false
        }
        if let user, allowedUsers.contains(user) { return true }
        log.userRefused(user, peer: Self.name(userAgent), now: userAgent.worker.now)
        return false
    }

    // MARK: Datagrams

    /// Whether datagrams are looked at one by one where they come without a connection, as they do at a forward.
    var asksSenders: Bool { !allowedUsers.isEmpty }

    /// Whether `allow-uid` lets the sender of a datagram in, at a forward.
    ///
    /// - Parameter isKnown: whether it was let in before.
    func admits(_ sender: SocketAddress, at socket: DatagramSocket, isKnown: Bool) -> Bool {
        guard asksSenders else { return true }
        return datagrams.admits(sender, at: socket, isKnown: isKnown, allowedUsers.contains) { [log] finding in
            let (peer, now) = ("\(Address(sender).host)", socket.worker.now)
            switch finding {
            case .open(let user): log.userRefused(user, peer: peer, now: now)
            case .closed: log.senderClosed(now: now)
            case .unknown: log.userRefused(nil, peer: peer, now: now)
            }
        }
    }

    /// Whether the sender of a datagram is who has asked for the association.
    ///
    /// - Parameter isKnown: whether it was found to be before.
    func admits(_ sender: SocketAddress, at socket: DatagramSocket, asOwner owner: UInt32, isKnown: Bool) -> Bool {
        datagrams.admits(sender, at: socket, isKnown: isKnown, { $0 == owner }) { [log] finding in
            let now = socket.worker.now
            switch finding {
            case .open(let user): log.senderRefused(user, owner: owner, now: now)
            case .closed: log.senderClosed(now: now)
            case .unknown: log.senderUnknown(owner: owner, now: now)
            }
        }
    }

    /// Whose datagrams an association is to take.
    ///
    /// - Parameter peer: the user agent's address, whatever the port.
    /// - Returns: nil where some user agents are not served and it could not be told who sends: it is refused.
    func owner(
        ofAssociationOf userAgent: Stream, at peer: SocketAddress, declared: Address
    ) -> AssociationOwner? {
        var user: UInt32?
        if datagrams.canTell, case .open(let found) = userAgent.peerOwner { user = found }
        let owner = AssociationOwner(
            peer: peer, declared: declared, user: user, isStrict: asksSenders || passwords != nil)
        if owner == nil { log.associationRefused(peer: Self.name(userAgent), now: userAgent.worker.now) }
        return owner
    }

    // MARK: Passwords

    /// Checks a name and a password.
    func verdict(_ name: [UInt8], _ password: [UInt8], of userAgent: Stream) async -> PasswordChecker.Verdict {
        guard let passwords else { return .right }
        let verdict = await passwords.check(name, password, for: Self.client(userAgent)) {
            // One that has only shut down its sending side waits for the answer.
            !userAgent.isGone && !(userAgent.peerHasFinished && userAgent.ownerHasLeft)
        }
        if verdict == .wrong {
            log.passwordRefused(name, peer: Self.name(userAgent), now: userAgent.worker.now)
        }
        return verdict
    }

    private static func client(_ userAgent: Stream) -> Party {
        switch userAgent.peerOwner {
        case .open(let user): .user(user)
        case .closed, .unknown: userAgent.party
        }
    }

    private static func name(_ userAgent: Stream) -> String {
        userAgent.remoteAddress.map { "\(Address($0).host)" } ?? "on this host"
    }
}
