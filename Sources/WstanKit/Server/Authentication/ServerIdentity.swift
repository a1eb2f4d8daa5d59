import WstanBase

/// What a server is for clients of version 2: its keys, and its users (protocol-v2.md section 3).
struct ServerIdentity: Sendable {
    var keys: LiveServerKeys
    var realm = Realm.none
    var users: UserRing
    var ciphers = CipherChoice(ciphers: Set(AEADCipher.allCases), prefersChaCha20: !Processor.hasAES)
}

extension KeyID {
    /// A user's key of version 2 among all others, where it does not matter which version a key is of: in counts, names
    /// and records.
    init(_ id: UserKeyID) { self.init(value: id.value) }
}

extension UserKeyID {
    init(_ id: KeyID) { self.init(value: id.value) }
}
