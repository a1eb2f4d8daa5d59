import WstanBase

/// The keys that a server accepts, by name: for each version of the protocol a name has a current key, and former ones for a time
/// of grace. Beside them the server's own keys of version 2.
///
/// A value. There is always a current key, of a name or of the server, and no key is in it twice. On a client it holds what is
/// sent: one key of `default`, and for version 2 the server's public key.
package struct KeyRing: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package let name: KeyName
        package internal(set) var v1 = KeySeries<Key>()
        package internal(set) var v2 = KeySeries<UserKey>()

        package var isEmpty: Bool { v1.isEmpty && v2.isEmpty }
        var ids: [KeyID] { v1.ids + v2.ids }

        mutating func remove(_ id: KeyID) {
            v1.remove(id)
            v2.remove(id)
        }
    }

    /// In the order in which the names came.
    package private(set) var entries: [Entry]
    /// A server's own keys of version 2: the current one, and at most one former. Empty where it has none, and on a client.
    package internal(set) var server: KeySeries<ServerKey>
    /// On a client that speaks version 2: its server's key.
    package internal(set) var peer: ServerPublicKey?
    /// Of version 2; see `Realm`.
    package internal(set) var realm: Realm
    /// What the configuration gave when the ring grew from it: while the configuration still gives that, what was rotated since
    /// counts.
    package internal(set) var origin: KeyID
    private var index: KeyRingIndex

    package init(configured: TunnelKey, source: RingSource) {
        entries = []
        server = KeySeries()
        realm = .none
        origin = configured.id
        index = KeyRingIndex()
        replaceConfigured(with: configured, source: source)
    }

    /// From what was stored.
    ///
    /// - Returns: nil when it is no ring.
    init?(
        entries: [Entry], server: KeySeries<ServerKey> = KeySeries(), peer: ServerPublicKey? = nil, realm: Realm = .none,
        origin: KeyID
    ) {
        let index = KeyRingIndex(entries)
        guard index.places.count == entries.count, index.owners.count == index.v1.keys + index.v2.keys,
            index.v1.names <= KeyRingBounds.names, index.v1.keys <= KeyRingBounds.keys,
            index.v2.names <= KeyRingBounds.users, index.v2.keys <= KeyRingBounds.userKeys,
            index.currents > 0 || server.current != nil,
            entries.allSatisfy({ entry in
                !entry.isEmpty && entry.v1.isSound && entry.v2.isSound && entry.v1.previous.count <= KeyRingBounds.previous
                    && entry.v2.previous.count <= KeyRingBounds.previous
            }),
            server.isSound, server.previous.count <= 1, server.isEmpty || server.current != nil,
            Set(server.ids).count == server.count, peer == nil || server.isEmpty
        else { return nil }
        self.entries = entries
        self.server = server
        self.peer = peer
        self.realm = realm
        self.origin = origin
        self.index = index
    }

    // MARK: Looking

    /// Those of version 1, in the order in which they are tried: current ones first, then those that last longest.
    var liveKeys: [LiveKey] {
        let current = entries.compactMap(\.v1.current).map { LiveKey(key: $0.key) }
        let previous = entries.flatMap(\.v1.previous).compactMap { key in key.expiry.map { (key.key, $0) } }
        return current + previous.sorted { $0.1 > $1.1 }.map { LiveKey(key: $0, expiry: $1) }
    }

    package func entry(_ name: KeyName) -> Entry? { index.places[name].map { entries[$0] } }

    /// Of version 1.
    package func current(of name: KeyName) -> RingKey<Key>? { entry(name)?.v1.current }

    /// Whose key it is, of either version.
    package func name(of id: KeyID) -> KeyName? { index.owners[id] }

    /// Whose each key is, of either version.
    package var names: [KeyID: KeyName] { index.owners }

    /// Whether version 2 has a part in it.
    var holdsV2: Bool { index.v2.keys > 0 || !server.isEmpty || peer != nil || realm != .none }

    /// When the next former key is to be dropped.
    package var nextExpiry: CalendarTime? {
        let v1 = entries.lazy.flatMap(\.v1.previous).compactMap(\.expiry).min()
        let v2 = entries.lazy.flatMap(\.v2.previous).compactMap(\.expiry).min().map { $0 + Self.remembersExpired }
        return [v1, v2, server.previous.first?.expiry].compactMap { $0 }.min()
    }

    /// When the next former key expires, or is to be dropped.
    package func nextEnd(after now: CalendarTime) -> CalendarTime? {
        let v2 = entries.lazy.flatMap(\.v2.previous).compactMap(\.expiry).filter { $0 > now }.min()
        return [nextExpiry, v2].compactMap { $0 }.min()
    }

    /// A client of version 2 whose key has expired is told so, for as long.
    private static let remembersExpired: Duration = .milliseconds(Int64(UserRing.remembersExpired))

    // MARK: Changing

    package enum Problem: Error, Equatable {
        case noSuchKey
        case noSuchName
        case nameTaken
        /// Two names cannot have one key: it could not be told whose request it was.
        case keyTaken(by: KeyName)
        /// It is this name's current key already.
        case keyIsCurrent
        /// There are as many already with a key of that version.
        case tooManyNames(most: Int)
        /// Former keys of this name, or keys of that version altogether.
        case tooManyKeys(most: Int)
        /// Without it no client could open a tunnel.
        case isOnlyCurrentKey
        /// It is the server's own, and in use.
        case isServerKey
        /// The server has no key of version 2.
        case noServerKey
    }

    /// Gives a name its first key of a version.
    package mutating func add<Value: ClientSecret>(_ name: KeyName, _ key: Value, now: CalendarTime) throws(Problem) {
        var entry = entry(name) ?? Entry(name: name)
        guard entry[keyPath: Value.series].isEmpty else { throw .nameTaken }
        if let owner = self.name(of: key.ringID) { throw .keyTaken(by: owner) }
        let (count, most) = (index[keyPath: Value.count], Value.most)
        // The configured key must fit in at any time.
        let isConfiguredIn = self.entry(.configured).map { !$0[keyPath: Value.series].isEmpty } ?? false
        guard name == .configured || count.names - (isConfiguredIn ? 1 : 0) < most.names - 1 else {
            throw .tooManyNames(most: most.names)
        }
        guard count.keys < most.keys - 1 else { throw .tooManyKeys(most: most.keys) }
        entry[keyPath: Value.series].current = RingKey(key, source: .state, created: now)
        put(entry)
    }

    /// Makes another key the current one of its version; see `KeySeries.rotate`.
    package mutating func rotate<Value: ClientSecret>(
        _ name: KeyName, to key: Value, grace: Duration, now: CalendarTime
    ) throws(Problem) {
        guard var entry = entry(name), !entry[keyPath: Value.series].isEmpty else { throw .noSuchName }
        let former = entry[keyPath: Value.series]
        let next = RingKey(key, source: .state, created: now)
        if next.id == former.current?.id { throw .keyIsCurrent }
        if let owner = self.name(of: next.id), owner != name { throw .keyTaken(by: owner) }
        var series = former
        series.rotate(to: next, grace: grace, now: now)
        // What is only remembered gives way.
        if series.previous.count > KeyRingBounds.previous { series.expire(by: now) }
        guard series.previous.count <= KeyRingBounds.previous,
            index[keyPath: Value.count].keys - former.count + series.count < Value.most.keys
        else { throw .tooManyKeys(most: Value.most.keys) }
        entry[keyPath: Value.series] = series
        put(entry)
    }

    /// Makes another key the server's current one. The former one of before is accepted no longer: there are two at most.
    package mutating func rotateServerKey(to key: ServerKey, grace: Duration, now: CalendarTime) throws(Problem) {
        if key.ringID == server.current?.id { throw .keyIsCurrent }
        server.previous = []
        server.rotate(to: RingKey(key, source: .state, created: now), grace: grace, now: now)
    }

    /// A name without keys is gone.
    package mutating func retire(_ id: KeyID) throws(Problem) {
        if server.current?.id == id { throw .isServerKey }
        if server.contains(id) { return server.remove(id) }
        guard let name = name(of: id), var entry = entry(name) else { throw .noSuchKey }
        if entry.v1.current?.id == id || entry.v2.current?.id == id {
            guard index.currents > 1 else { throw .isOnlyCurrentKey }
        }
        entry.remove(id)
        put(entry)
    }

    /// Drops what has expired. Former keys of version 2 stay for another 30 days, so that their clients are told.
    ///
    /// - Returns: whether anything has.
    @discardableResult
    package mutating func expire(now: CalendarTime) -> Bool {
        guard let next = nextExpiry, next <= now else { return false }
        let remembered = now + (.zero - Self.remembersExpired)
        for place in entries.indices where !entries[place].v1.previous.isEmpty || !entries[place].v2.previous.isEmpty {
            entries[place].v1.expire(by: now)
            entries[place].v2.expire(by: remembered)
        }
        entries.removeAll(where: \.isEmpty)
        index = KeyRingIndex(entries)
        server.expire(by: now)
        return true
    }

    // MARK: Entries

    /// Puts an entry in place of the one of its name, or behind all others. An empty one goes.
    mutating func put(_ entry: Entry) {
        guard let place = index.places[entry.name] else {
            guard !entry.isEmpty else { return }
            index.add(entry, at: entries.count)
            return entries.append(entry)
        }
        index.remove(entries[place])
        if entry.isEmpty {
            entries.remove(at: place)
            index = KeyRingIndex(entries)
        } else {
            entries[place] = entry
            index.add(entry, at: place)
        }
    }

    /// Puts the entry of the configured key before all others.
    mutating func putFirst(_ entry: Entry) {
        entries.removeAll { $0.name == entry.name }
        if !entry.isEmpty { entries.insert(entry, at: 0) }
        index = KeyRingIndex(entries)
    }
}

/// A secret that clients open tunnels with, and where a ring keeps it.
package protocol ClientSecret: RingSecret {
    static var series: WritableKeyPath<KeyRing.Entry, KeySeries<Self>> { get }
    static var count: KeyPath<KeyRingIndex, KeyRingIndex.Count> { get }
    static var most: KeyRingIndex.Count { get }
}

extension Key: ClientSecret {
    package static var series: WritableKeyPath<KeyRing.Entry, KeySeries<Key>> { \.v1 }
    package static var count: KeyPath<KeyRingIndex, KeyRingIndex.Count> { \.v1 }
    package static var most: KeyRingIndex.Count { .init(names: KeyRingBounds.names, keys: KeyRingBounds.keys) }
}

extension UserKey: ClientSecret {
    package static var series: WritableKeyPath<KeyRing.Entry, KeySeries<UserKey>> { \.v2 }
    package static var count: KeyPath<KeyRingIndex, KeyRingIndex.Count> { \.v2 }
    package static var most: KeyRingIndex.Count { .init(names: KeyRingBounds.users, keys: KeyRingBounds.userKeys) }
}
