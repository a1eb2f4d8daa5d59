import WstanBase

/// Which user agents the client serves. Confined to its worker.
final class ClientAccess: @unchecked Sendable {
    /// nil: nobody is asked for a password.
    let passwords: PasswordChecker?
    private let allowedUsers: Set<UInt32>
    private let log: EventLog

    /// - Parameter allowedUsers: users of this host; empty: everybody.
    init(allowedUsers: Set<UInt32>, passwords: PasswordChecker?, log: EventLog) {
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

    /// Checks a name and a password.
    func verdict(_ name: [UInt8], _ password: [UInt8], of userAgent: Stream) async -> PasswordChecker.Verdict {
        guard let passwords else { return .right }
        let verdict = await passwords.check(name, password, for: Self.client(userAgent))
        if verdict == .wrong {
            log.passwordRefused(name, peer: Self.name(userAgent), now: userAgent.worker.now)
        }
        return verdict
    }

    private static func client(_ userAgent: Stream) -> AnyHashable {
        switch userAgent.peerOwner {
        case .open(let user): user
        case .closed, .unknown: userAgent.remoteAddress?.withPort(0)
        }
    }

    private static func name(_ userAgent: Stream) -> String {
        userAgent.remoteAddress.map { "\(Address($0).host)" } ?? "on this host"
    }
}
