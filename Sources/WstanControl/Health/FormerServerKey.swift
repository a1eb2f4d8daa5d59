/// Who may still have the server's former key of version 2 in their string, after it was replaced.
public struct FormerServerKey: Equatable {
    public struct User: Equatable {
        public let name: String
        /// With the former key, in microseconds since 1970. Nil: not seen since the string was made.
        public let lastUse: Int?
    }

    public let key: Control.Key
    /// Each name once, in the order of the keys. A client with one of them could not connect when the former key ends.
    public let users: [User]

    /// - Parameter keys: all of a server.
    /// - Returns: nil where there is no former key.
    public init?(among keys: [Control.Key]) {
        let own = keys.filter { $0.kind == .server }
        guard let former = own.first(where: { $0.state == .previous }) else { return nil }
        let current = own.first { $0.state == .current }
        key = former
        let ofUsers = keys.filter { $0.kind == .v2 }
        // Their current key is in use, so the strings of their former ones are not needed.
        let moved = Set(ofUsers.filter { $0.state == .current && $0.uses > 0 }.map(\.name))
        var seen: Set<String> = []
        users = ofUsers.filter { $0.state == .current || !moved.contains($0.name) }
            .filter { $0.mayHoldFormer(than: current) && seen.insert($0.name).inserted }
            .map { User(name: $0.name, lastUse: $0.formerServerKeyTimestampUSec) }
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
