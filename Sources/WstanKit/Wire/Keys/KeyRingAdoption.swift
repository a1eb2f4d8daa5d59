import WstanBase

// The configured key and the ring that has grown from it.

extension KeyRing {
    package enum Adoption: Equatable {
        /// It is what the ring has grown from, or what the ring has as the current one.
        case stands
        /// It was edited, and gives the only keys of `default` now. Those that it has replaced, and other names that had it.
        case replaced(former: [KeyID], namesGone: [KeyName])
    }

    /// Takes the configuration's key: it wins when it was edited since the ring grew from it. The former keys of `default` go with
    /// the one that it replaces, as they do where there is no ring, and so does a server's key that the configuration gave before.
    package mutating func adopt(configured: TunnelKey, source: RingSource) -> Adoption {
        if configured.id == origin { return .stands }
        // The new key was written to the configuration, by us or by hand.
        if isCurrent(configured) {
            configurationFollowed(configured, source: source)
            return .stands
        }
        return replaceConfigured(with: configured, source: source)
    }

    private func isCurrent(_ configured: TunnelKey) -> Bool {
        let own = entry(.configured)
        switch configured {
        case .v1(let key): return peer == nil && own?.v1.current?.id == key.id
        case .server(let key, let realm, let user):
            return server.current?.id == key.ringID && self.realm == realm
                && (user == nil || own?.v2.current?.id == user?.ringID)
        case .client: return sending == configured
        }
    }

    @discardableResult
    mutating func replaceConfigured(
        with configured: TunnelKey, source: RingSource, created: CalendarTime? = nil
    ) -> Adoption {
        var own = Entry(name: .configured)
        var formerServer: [KeyID] = []
        switch configured {
        case .v1(let key):
            own.v1.current = RingKey(key, source: source, created: created)
            // A server's key that was made here stays beside it.
            if peer != nil || server.current?.source != .state { formerServer = removeServer() }
        case .server(let key, let realm, let user):
            own.v2.current = user.map { RingKey($0, source: source, created: created) }
            formerServer = removeServer()
            server.current = RingKey(key, source: source, created: created)
            self.realm = realm
        case .client(let key):
            own.v2.current = RingKey(key.user, source: source, created: created)
            formerServer = removeServer()
            peer = key.server
            realm = key.realm
        }
        origin = configured.id
        let former = (entry(.configured)?.ids ?? []) + formerServer
        let namesGone = own.ids.compactMap { id in takeAway(id) }
        putFirst(own)
        return .replaced(former: former.filter { !own.ids.contains($0) && !server.contains($0) }, namesGone: namesGone)
    }

    /// - Returns: the keys of a server that were accepted.
    private mutating func removeServer() -> [KeyID] {
        defer {
            server = KeySeries()
            peer = nil
            realm = .none
        }
        return server.ids
    }

    /// Takes a key from another name.
    ///
    /// - Returns: the name, if it was its only key.
    private mutating func takeAway(_ id: KeyID) -> KeyName? {
        guard let name = name(of: id), name != .configured, var entry = entry(name) else { return nil }
        entry.remove(id)
        put(entry)
        return entry.isEmpty ? name : nil
    }

    /// This stands in the configuration now, and its keys are current ones.
    package mutating func configurationFollowed(_ configured: TunnelKey, source: RingSource) {
        origin = configured.id
        var own = entry(.configured) ?? Entry(name: .configured)
        switch configured {
        case .v1: own.v1.move(to: source)
        case .server(_, _, let user):
            server.move(to: source)
            if user != nil { own.v2.move(to: source) }
        case .client: own.v2.move(to: source)
        }
        put(own)
    }

    /// A client sends this key, so it is there even if the ring was a server's, in which it was retired.
    package mutating func keepConfigured(_ configured: TunnelKey, source: RingSource) {
        guard sending == nil else { return }
        replaceConfigured(with: configured, source: source)
    }

    /// A client's key is another one from now on, of whatever version.
    package mutating func send(_ key: TunnelKey, now: CalendarTime) throws(Problem) {
        if case .v1(let key) = key, peer == nil, current(of: .configured) != nil {
            return try rotate(.configured, to: key, grace: .zero, now: now)
        }
        if sending == key { throw .keyIsCurrent }
        let grown = origin
        replaceConfigured(with: key, source: .state, created: now)
        // The configuration has not changed.
        origin = grown
    }

    /// What the configuration is to give now, in the form in which it gives `configured`: after a rotation it is another key. Where
    /// that is retired it is the server's own key of version 2, and nil without one.
    package func configuration(like configured: TunnelKey) -> TunnelKey? {
        switch configured {
        case .v1, .client: sending ?? serverKey
        case .server: isCurrent(configured) ? configured : serverKey
        }
    }

    private var serverKey: TunnelKey? { server.current.map { .server($0.key, realm, user: nil) } }
}
