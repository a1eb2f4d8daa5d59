import WstanBase

// What each end takes from its ring for version 2.

extension KeyRing {
    /// What a server proves itself by, in its realm. Nil where it has no key of version 2.
    ///
    /// - Parameter now: a former key counts until it expires.
    package func serverKeys(now: CalendarTime) -> LiveServerKeys? {
        guard let current = server.current?.key else { return nil }
        let former = server.previous.first.flatMap { key in key.expiry.map { $0 > now } == true ? key.key : nil }
        return LiveServerKeys(current: current, former: former)
    }

    /// The users of a server: every key of version 2, also those that have expired less than 30 days ago.
    package var users: UserRing {
        UserRing(
            distinct: entries.lazy.flatMap { entry in
                entry.v2.keys.lazy.map {
                    RingUser(name: entry.name, key: $0.key, expiry: $0.expiry.map { WireTime($0) })
                }
            })
    }

    /// Of version 2.
    package var userKeys: Set<KeyID> { Set(entries.lazy.flatMap(\.v2.ids)) }

    /// What a client of this server is given for its name. Nil where the name, or the server, has no key of version 2.
    package func clientKey(of name: KeyName) -> ClientKey? {
        guard let server = server.current?.key.publicKey, let user = entry(name)?.v2.current?.key else { return nil }
        return ClientKey(server: server, user: user, realm: realm)
    }

    /// What a client sends. Nil where it is retired, and on a server that has no key of version 1 for `default`.
    package var sending: TunnelKey? {
        let own = entry(.configured)
        guard let peer else { return (own?.v1.current?.key).map { .v1($0) } }
        return (own?.v2.current?.key).map { .client(ClientKey(server: peer, user: $0, realm: realm)) }
    }
}
