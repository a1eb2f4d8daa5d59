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

    /// - Returns: whether tunnels of the former one are another key's.
    func install(_ key: SentKey) -> Bool {
        let former = id
        // An authenticator keeps what it has made of its key.
        if case .v1 = key, key.id == former { return false }
        version = Version(key)
        return id != former
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
