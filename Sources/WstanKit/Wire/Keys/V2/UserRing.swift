import WstanBase

/// A key of the users that a server accepts in version 2, and whose it is. A user may have several.
package struct RingUser: Sendable, Equatable {
    package let name: KeyName
    package let key: UserKey
    /// From then on it opens no tunnel. Nil: never.
    var expiry: WireTime?

    func isExpired(at now: WireTime) -> Bool { expiry.map { $0 <= now } ?? false }
}

/// The users of a server by the id of their key: ten thousand cost a request what one costs.
package struct UserRing: Sendable {
    enum Problem: Error, Equatable {
        /// Two keys have one id: no request could tell whose it is. They may belong to one name.
        case sameKey(KeyName, KeyName)
    }

    /// For so long who comes with an expired key is told so. Later it is a stranger's.
    static let remembersExpired: UInt64 = 30 * 86_400_000

    private var users: [UserKeyID: RingUser] = [:]

    init(_ users: [RingUser] = []) throws(Problem) {
        for user in users { try add(user) }
    }

    /// - Parameter users: no two with one key.
    init(distinct users: some Sequence<RingUser>) {
        for user in users { self.users[user.key.id] = user }
    }

    mutating func add(_ user: RingUser) throws(Problem) {
        if let other = users[user.key.id] { throw .sameKey(other.name, user.name) }
        users[user.key.id] = user
    }

    /// Revokes a key.
    mutating func remove(_ id: UserKeyID) -> RingUser? { users.removeValue(forKey: id) }

    package var count: Int { users.count }

    /// - Returns: nil for a key that was never there, was revoked, or expired more than 30 days ago.
    func user(_ id: UserKeyID, at now: WireTime) -> RingUser? {
        guard let user = users[id] else { return nil }
        if let expiry = user.expiry, now >= expiry.advanced(by: Self.remembersExpired) { return nil }
        return user
    }
}
