/// What a client opens tunnels with, which says the version that it speaks: there is no other to fall back to.
package enum SentKey: Sendable {
    case v1(Key)
    /// In memory of its own; see `TunnelKey`.
    indirect case v2(ClientIdentity)

    /// - Returns: nil for what is a server's.
    package init?(_ key: TunnelKey) {
        switch key {
        case .v1(let key): self = .v1(key)
        case .client(let key): self = .v2(ClientIdentity(credentials: key))
        case .server: return nil
        }
    }

    package var id: KeyID {
        switch self {
        case .v1(let key): key.id
        case .v2(let identity): identity.keyID
        }
    }
}

/// The key that a client's next tunnels are opened with. Confined to its worker.
final class SendingKey: @unchecked Sendable {
    enum Version {
        case v1(Authenticator)
        indirect case v2(ClientIdentity)
    }

    private(set) var version: Version

    init(_ key: SentKey) {
        version = Version(key)
    }

    var id: KeyID {
        switch version {
        case .v1(let authenticator): authenticator.keyID
        case .v2(let identity): identity.keyID
        }
    }

    var isOfVersion2: Bool { if case .v2 = version { true } else { false } }

    /// Whether no other was installed since a handshake has begun with this one.
    func isStill(_ identity: ClientIdentity) -> Bool {
        if case .v2(let current) = version { current.credentials == identity.credentials } else { false }
    }

    /// - Returns: whether it is another one. In version 2 it may be the same user's, for another key of the server.
    func install(_ key: SentKey) -> Bool {
        switch (version, key) {
        // An authenticator keeps what it has made of its key.
        case (.v1, .v1) where key.id == id: return false
        case (.v2(let former), .v2(let next)) where former.credentials == next.credentials: return false
        case (.v1, _), (.v2, _):
            version = Version(key)
            return true
        }
    }
}

extension SendingKey.Version {
    fileprivate init(_ key: SentKey) {
        self =
            switch key {
            case .v1(let key): .v1(Authenticator(key: key))
            case .v2(let identity): .v2(identity)
            }
    }
}
