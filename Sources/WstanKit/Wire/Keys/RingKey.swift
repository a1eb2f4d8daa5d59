import WstanBase

/// A key of the ring, and what is known of it.
package struct RingKey: Sendable, Equatable {
    package enum Source: String, Sendable {
        /// The configuration, a key file or the environment.
        case configuration
        /// The service manager.
        case credential
        /// The control socket; it is in the state directory only.
        case state
    }

    package let key: Key
    package let id: KeyID
    package let source: Source
    /// Nil when nobody knows: the configuration does not tell.
    package let created: CalendarTime?
    /// From then on it is not accepted. Nil: it is a current one.
    package let expiry: CalendarTime?

    init(_ key: Key, source: Source, created: CalendarTime?, expiry: CalendarTime? = nil) {
        self.key = key
        id = key.id
        self.source = source
        self.created = created
        self.expiry = expiry
    }

    func expiring(at expiry: CalendarTime?) -> RingKey {
        RingKey(key, source: source, created: created, expiry: expiry)
    }
}

/// A key that is accepted, as far as the verifier needs to know it.
struct LiveKey: Sendable, Equatable {
    let key: Key
    /// Nil: never.
    var expiry: CalendarTime?
}

/// How often a key was used since the start of the process, and when last.
package struct KeyUse: Sendable, Equatable {
    package var count: UInt64 = 0
    package var last: CalendarTime?

    package init(count: UInt64 = 0, last: CalendarTime? = nil) {
        self.count = count
        self.last = last
    }

    mutating func count(at time: CalendarTime) {
        count &+= 1
        last = max(last ?? time, time)
    }

    package static func + (a: KeyUse, b: KeyUse) -> KeyUse {
        KeyUse(count: a.count &+ b.count, last: [a.last, b.last].compactMap { $0 }.max())
    }
}
