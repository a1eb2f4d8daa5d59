/// Who may still have the server's former key of version 2 in their string, after it was replaced.
public struct FormerServerKey: Equatable {
    public struct User: Equatable {
        public let name: String
        /// With the former key, in microseconds since 1970. Nil: not seen with it.
        public let lastUse: Int?
        /// Whether a client was seen with a key that the name had before its current one.
        public let usesFormerKey: Bool

        fileprivate init(_ name: String, _ keys: [Control.Key]) {
            self.name = name
            lastUse = keys.compactMap(\.formerServerKeyTimestampUSec).max()
            usesFormerKey = keys.contains { $0.state == .previous && $0.uses > 0 }
        }
    }

    public let key: Control.Key
    /// Each name once, in the order of the keys. A client with one of them could not connect when the former key ends.
    public private(set) var users: [User] = []
    /// Names that have moved with their current key, and whose key of before was last used with the server's former one: by the
    /// client that has moved since, or by another device. Which it was cannot be told.
    public private(set) var others: [User] = []

    /// - Parameter keys: all of a server.
    /// - Returns: nil where there is no former key.
    public init?(among keys: [Control.Key]) {
        let own = keys.filter { $0.kind == .server }
        guard let former = own.first(where: { $0.state == .previous }) else { return nil }
        let current = own.first { $0.state == .current }
        key = former
        let ofUsers = keys.filter { $0.kind == .v2 }
        let keysOf = Dictionary(grouping: ofUsers, by: \.name)
        var seen: Set<String> = []
        for name in ofUsers.map(\.name) where seen.insert(name).inserted {
            let all = keysOf[name] ?? []
            let holders = all.filter { $0.mayHoldFormer(than: current) }
            guard !holders.isEmpty else { continue }
            // Once the current key is in use, the strings of those before it are not needed.
            let hasMoved = all.contains { $0.state == .current && $0.uses > 0 } && holders.allSatisfy { $0.state == .previous }
            if hasMoved { others.append(User(name, all)) } else { users.append(User(name, all)) }
        }
    }
}

extension Control.Key {
    /// One that has not been seen holds what was current when it was made.
    fileprivate func mayHoldFormer(than server: Control.Key?) -> Bool {
        if formerServerKeyTimestampUSec != nil { return true }
        guard state == .current, uses == 0 else { return false }
        return server?.createdTimestampUSec.map { (createdTimestampUSec ?? .min) < $0 } ?? true
    }
}
