import WstanBase

/// What a key is good for at the end that has it: a key of either version, as the configuration, a control client or a stored ring
/// gives it.
///
/// What is longer than the shortest case is in memory of its own: where a case leaves room in a value, that room keeps what was on
/// the stack, which may be a key.
package enum TunnelKey: Sendable, Equatable {
    case v1(Key)
    /// A server's, of version 2; with a shared string also the key of its user.
    indirect case server(ServerKey, Realm, user: UserKey?)
    /// A client's, of version 2.
    indirect case client(ClientKey)

    /// - Parameter isClient: at which end it is read.
    /// - Returns: nil for a string of the other end.
    package init?(_ string: KeyString, isClient: Bool) {
        if isClient {
            guard let key = string.clientKey else { return nil }
            self = .client(key)
        } else {
            guard let key = string.serverKey else { return nil }
            self = .server(key, string.realm, user: string.userKey)
        }
    }

    /// Tells it from every other, and tells nothing of it.
    package var id: KeyID {
        switch self {
        case .v1(let key): key.id
        case .server(let key, let realm, user: nil): KeyID(label: "wstan2 server", key.publicKey.bytes + realm.bytes)
        case .server(let key, let realm, let user?):
            KeyID(label: "wstan2 shared", key.publicKey.bytes + Array(user.id.description.utf8) + realm.bytes)
        case .client(let key):
            KeyID(label: "wstan2 client", key.server.bytes + Array(key.user.id.description.utf8) + key.realm.bytes)
        }
    }

    /// That of its key in a ring.
    package var ringID: KeyID {
        switch self {
        case .v1(let key): key.ringID
        case .server(let key, _, _): key.ringID
        case .client(let key): key.user.ringID
        }
    }

    package var isOfVersion1: Bool { if case .v1 = self { true } else { false } }

    /// Whether one of its keys has this id in a ring.
    package func holds(_ id: KeyID) -> Bool {
        switch self {
        case .v1(let key): key.id == id
        case .server(let key, _, let user): key.ringID == id || user?.ringID == id
        case .client(let key): key.user.ringID == id
        }
    }

    /// As the configuration writes it, a copy; see `Erasure`. Nil if the text is not known: of a passphrase, and of the key that a
    /// shared string gave.
    package var text: String? {
        switch self {
        case .v1(let key): key.count == 16 ? key.base64 : nil
        case .server(let key, let realm, user: nil): KeyString(server: key, realm: realm).text
        case .server: nil
        case .client(let key): key.string.text
        }
    }
}

/// What a client opens tunnels of version 2 with: where its requests go, and in whose name.
package struct ClientKey: Sendable, Equatable, Redacted {
    package let server: ServerPublicKey
    package let user: UserKey
    package let realm: Realm

    package init(server: ServerPublicKey, user: UserKey, realm: Realm = .none) {
        self.server = server
        self.user = user
        self.realm = realm
    }

    /// Of kind 2: its holder cannot play the server.
    package var string: KeyString { KeyString(client: server, user, realm: realm) }
}

extension KeyString {
    /// What a client takes from it. Nil for a server's.
    package var clientKey: ClientKey? {
        userKey.map { ClientKey(server: serverPublicKey, user: $0, realm: realm) }
    }
}
