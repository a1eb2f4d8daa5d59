import WstanBase

/// The keys that a server accepts, by name: each name has a current key, and former ones for a time of grace.
///
/// A value. There is always at least one current key, and no key is in it twice. On a client it holds the one key that
/// is sent.
package struct KeyRing: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package let name: KeyName
        /// Nil once it was retired while former ones still last.
        var current: RingKey?
        /// The one that lasts longest comes first.
        var previous: [RingKey] = []

        package var keys: [RingKey] { (current.map { [$0] } ?? []) + previous }
    }

    /// In the order in which the names came; never empty.
    package private(set) var entries: [Entry]
    /// The configured key that the ring has grown from: while the configuration still has that one, what was rotated
    /// since counts.
    private(set) var origin: KeyID

    package init(configured key: Key, source: RingKey.Source) {
        let current = RingKey(key, source: source, created: nil)
        entries = [Entry(name: .configured, current: current)]
        origin = current.id
    }

    /// From what was stored.
    ///
    /// - Returns: nil when it is no ring.
    init?(entries: [Entry], origin: KeyID) {
        let keys = entries.flatMap(\.keys)
        guard Set(entries.map(\.name)).count == entries.count, Set(keys.map(\.id)).count == keys.count,
            entries.count <= KeyRingBounds.names, keys.count <= KeyRingBounds.keys,
            entries.contains(where: { $0.current != nil }),
            entries.allSatisfy({ entry in
                !entry.keys.isEmpty && entry.previous.count <= KeyRingBounds.previous
                    && entry.current?.expiry == nil && entry.previous.allSatisfy { $0.expiry != nil }
            })
        else { return nil }
        self.entries = entries
        self.origin = origin
    }

    // MARK: Looking

    /// In the order in which they are tried: current ones first, then those that last longest.
    var liveKeys: [LiveKey] {
        let current = entries.compactMap(\.current).map { LiveKey(key: $0.key) }
        let previous = entries.flatMap(\.previous).compactMap { key in key.expiry.map { (key.key, $0) } }
        return current + previous.sorted { $0.1 > $1.1 }.map { LiveKey(key: $0, expiry: $1) }
    }

    func entry(_ name: KeyName) -> Entry? { entries.first { $0.name == name } }

    package func current(of name: KeyName) -> RingKey? { entry(name)?.current }

    /// Whose key it is.
    func name(of id: KeyID) -> KeyName? { entries.first { $0.keys.contains { $0.id == id } }?.name }

    /// Whose each key is.
    package var names: [KeyID: KeyName] {
        entries.reduce(into: [:]) { names, entry in
            for key in entry.keys { names[key.id] = entry.name }
        }
    }

    /// When the next former key expires.
    package var nextExpiry: CalendarTime? { entries.flatMap(\.previous).compactMap(\.expiry).min() }

    private var keyCount: Int { entries.reduce(0) { $0 + $1.keys.count } }

    // MARK: Changing

    package enum Problem: Error, Equatable {
        case noSuchKey
        case noSuchName
        case nameTaken
        /// Two names cannot have one key: it could not be told whose request it was.
        case keyTaken(by: KeyName)
        /// It is this name's current key already.
        case keyIsCurrent
        case tooManyNames
        /// Former keys of this name, or keys altogether.
        case tooManyKeys
        /// Without it no client could open a tunnel.
        case isOnlyCurrentKey
    }

    package mutating func add(_ name: KeyName, _ key: Key, now: CalendarTime) throws(Problem) {
        guard entry(name) == nil else { throw .nameTaken }
        if let owner = self.name(of: key.id) { throw .keyTaken(by: owner) }
        // The configured key must fit in at any time.
        let others = entries.count { $0.name != .configured }
        guard name == .configured || others < KeyRingBounds.names - 1 else { throw .tooManyNames }
        guard keyCount < KeyRingBounds.keys - 1 else { throw .tooManyKeys }
        entries.append(Entry(name: name, current: RingKey(key, source: .state, created: now)))
    }

    /// Makes another key the current one. One of its own former keys may come back.
    ///
    /// - Parameter grace: how long the one that was current is still accepted; zero: not at all, and neither are those
    ///   whose grace from before still runs.
    package mutating func rotate(_ name: KeyName, to key: Key, grace: Duration, now: CalendarTime) throws(Problem) {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { throw .noSuchName }
        var entry = entries[index]
        let next = RingKey(key, source: .state, created: now)
        if next.id == entry.current?.id { throw .keyIsCurrent }
        if let owner = self.name(of: next.id), owner != name { throw .keyTaken(by: owner) }
        entry.previous.removeAll { $0.id == next.id }
        if grace <= .zero {
            entry.previous = []
        } else if let former = entry.current {
            entry.previous.append(former.expiring(at: now + min(grace, KeyRingBounds.grace)))
            entry.sort()
        }
        entry.current = next
        guard entry.previous.count <= KeyRingBounds.previous,
            keyCount - entries[index].keys.count + entry.keys.count < KeyRingBounds.keys
        else { throw .tooManyKeys }
        entries[index] = entry
    }

    /// A name without keys is gone.
    package mutating func retire(_ id: KeyID) throws(Problem) {
        guard let index = entries.firstIndex(where: { $0.keys.contains { $0.id == id } }) else { throw .noSuchKey }
        if entries[index].current?.id == id {
            guard entries.count(where: { $0.current != nil }) > 1 else { throw .isOnlyCurrentKey }
            entries[index].current = nil
        } else {
            entries[index].previous.removeAll { $0.id == id }
        }
        if entries[index].keys.isEmpty { entries.remove(at: index) }
    }

    /// Drops what has expired.
    ///
    /// - Returns: whether anything has.
    @discardableResult
    package mutating func expire(now: CalendarTime) -> Bool {
        let count = keyCount
        for index in entries.indices {
            entries[index].previous.removeAll { $0.expiry.map { $0 <= now } ?? false }
        }
        entries.removeAll(where: \.keys.isEmpty)
        return keyCount != count
    }

    // MARK: The configured key

    package enum Adoption: Equatable {
        /// It is what the ring has grown from, or what the ring has as the current one.
        case stands
        /// It was edited, and is the only key of `default` now. Those that it has replaced, and other names that had it.
        case replaced(former: [KeyID], namesGone: [KeyName])
    }

    /// Takes the configuration's key: it wins when it was edited since the ring grew from it. Its former keys go with
    /// the one that it replaces, as they do where there is no ring.
    package mutating func adopt(configured key: Key, source: RingKey.Source) -> Adoption {
        let configured = RingKey(key, source: source, created: nil)
        if configured.id == origin { return .stands }
        origin = configured.id
        // The new key was written to the configuration, by us or by hand.
        if configured.id == current(of: .configured)?.id {
            configurationFollowed(source: source)
            return .stands
        }
        return replaceConfigured(with: configured)
    }

    private mutating func replaceConfigured(with configured: RingKey) -> Adoption {
        var namesGone: [KeyName] = []
        for index in entries.indices where entries[index].name != .configured {
            guard entries[index].keys.contains(where: { $0.id == configured.id }) else { continue }
            if entries[index].current?.id == configured.id { entries[index].current = nil }
            entries[index].previous.removeAll { $0.id == configured.id }
            if entries[index].keys.isEmpty { namesGone.append(entries[index].name) }
        }
        let former = entry(.configured)?.keys.map(\.id).filter { $0 != configured.id } ?? []
        entries.removeAll { $0.name == .configured || $0.keys.isEmpty }
        entries.insert(Entry(name: .configured, current: configured), at: 0)
        return .replaced(former: former, namesGone: namesGone)
    }

    /// The current key of `default` stands in the configuration now.
    package mutating func configurationFollowed(source: RingKey.Source) {
        guard let index = entries.firstIndex(where: { $0.name == .configured }), let current = entries[index].current
        else { return }
        entries[index].current = RingKey(current.key, source: source, created: current.created)
        origin = current.id
    }

    /// A client sends this key, so it is there even if the ring was a server's, in which it was retired.
    package mutating func keepConfigured(_ key: Key, source: RingKey.Source) {
        guard current(of: .configured) == nil else { return }
        _ = replaceConfigured(with: RingKey(key, source: source, created: nil))
    }
}

extension KeyRing.Entry {
    fileprivate mutating func sort() {
        previous.sort { ($0.expiry?.microseconds ?? 0) > ($1.expiry?.microseconds ?? 0) }
    }
}
