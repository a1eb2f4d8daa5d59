import WstanBase

/// Where a key of the ring comes from.
package enum RingSource: String, Sendable {
    /// The configuration, a key file or the environment.
    case configuration
    /// The service manager.
    case credential
    /// The control socket; it is in the state directory only.
    case state
}

/// A secret that a ring keeps: a key of version 1, a user's of version 2, or the server's own.
package protocol RingSecret: Sendable, Equatable {
    /// Tells it from all others, and tells nothing of it.
    var ringID: KeyID { get }
}

extension Key: RingSecret {
    package var ringID: KeyID { id }
}

extension UserKey: RingSecret {
    package var ringID: KeyID { KeyID(id) }
}

extension ServerKey: RingSecret {
    package var ringID: KeyID { publicKey.id }
}

/// A key of the ring, and what is known of it.
package struct RingKey<Value: RingSecret>: Sendable, Equatable {
    package let key: Value
    package let id: KeyID
    package let source: RingSource
    /// Nil when it is not known: the configuration does not tell.
    package let created: CalendarTime?
    /// From then on it is not accepted. Nil: it is a current one.
    package let expiry: CalendarTime?

    init(_ key: Value, source: RingSource, created: CalendarTime?, expiry: CalendarTime? = nil) {
        self.key = key
        id = key.ringID
        self.source = source
        self.created = created
        self.expiry = expiry
    }

    func expiring(at expiry: CalendarTime?) -> RingKey {
        RingKey(key, source: source, created: created, expiry: expiry)
    }

    func coming(from source: RingSource) -> RingKey {
        RingKey(key, source: source, created: created, expiry: expiry)
    }
}

/// A key of version 1 that is accepted, as far as the verifier needs to know it.
struct LiveKey: Sendable, Equatable {
    let key: Key
    /// Nil: never.
    var expiry: CalendarTime?
}
