import WstanBase
import WstanControl
import WstanCore

/// A key as it is shown; never the key itself.
package struct ListedKey: Sendable, Equatable {
    var id: KeyID
    /// Nil: the server's own.
    var name: KeyName?
    var kind: Control.KeyKind
    var source: RingSource
    var created: CalendarTime?
    /// Nil: it is the current one.
    var expiry: CalendarTime?
    var use: KeyUse
    /// When it was last used with the server's former key, if it was not used with the current one since.
    var formerServerKeyUse: CalendarTime?
}

extension KeyRing {
    /// Every key in it.
    var acceptedIDs: Set<KeyID> { Set(names.keys).union(server.keys.map(\.id)) }

    /// The server's own keys, then those of the names in their order, and what has expired left out.
    func listed(now: CalendarTime, uses: [KeyID: KeyUse]) -> [ListedKey] {
        var list = server.keys.map { listed($0, nil, .server, uses) }
        for entry in entries {
            list += entry.v1.keys.map { listed($0, entry.name, .v1, uses) }
            list += entry.v2.keys.map { listed($0, entry.name, .v2, uses) }
        }
        return list.filter { key in key.expiry.map { $0 > now } ?? true }
    }

    private func listed<Value>(
        _ key: RingKey<Value>, _ name: KeyName?, _ kind: Control.KeyKind, _ uses: [KeyID: KeyUse]
    ) -> ListedKey {
        let use = uses[key.id] ?? KeyUse()
        return ListedKey(
            id: key.id, name: name, kind: kind, source: key.source, created: key.created, expiry: key.expiry, use: use,
            formerServerKeyUse: formerServerKeyUse(use))
    }

    private func formerServerKeyUse(_ use: KeyUse) -> CalendarTime? {
        guard let former = server.previous.first.flatMap({ use.servers[$0.id] }) else { return nil }
        let current = server.current.flatMap { use.servers[$0.id] }
        return current.map { $0 < former } ?? true ? former : nil
    }
}
