/// Where each name stands in a ring and whose each key is, so that a look-up costs the same however many there are. A value.
package struct KeyRingIndex: Sendable, Equatable {
    /// Of one version of the protocol.
    package struct Count: Sendable, Equatable {
        var names = 0
        var keys = 0
    }

    private(set) var places: [KeyName: Int] = [:]
    private(set) var owners: [KeyID: KeyName] = [:]
    private(set) var v1 = Count()
    private(set) var v2 = Count()
    /// Current keys, of either version.
    private(set) var currents = 0

    init(_ entries: [KeyRing.Entry] = []) {
        for (place, entry) in entries.enumerated() { add(entry, at: place) }
    }

    mutating func add(_ entry: KeyRing.Entry, at place: Int) {
        places[entry.name] = place
        for id in entry.ids { owners[id] = entry.name }
        count(entry, by: 1)
    }

    mutating func remove(_ entry: KeyRing.Entry) {
        places[entry.name] = nil
        for id in entry.ids { owners[id] = nil }
        count(entry, by: -1)
    }

    private mutating func count(_ entry: KeyRing.Entry, by sign: Int) {
        v1.names += entry.v1.isEmpty ? 0 : sign
        v1.keys += sign * entry.v1.count
        v2.names += entry.v2.isEmpty ? 0 : sign
        v2.keys += sign * entry.v2.count
        currents += sign * ((entry.v1.current == nil ? 0 : 1) + (entry.v2.current == nil ? 0 : 1))
    }
}
