import WstanBase

/// What a server is for clients of version 2: its keys, and its users (protocol-v2.md section 3).
struct ServerIdentity: Sendable {
    var keys: LiveServerKeys
    /// The former key ends then.
    var formerExpiry: CalendarTime?
    var realm = Realm.none
    var users: UserRing
    var ciphers = CipherChoice(ciphers: Set(AEADCipher.allCases), prefersChaCha20: !Processor.hasAES)
}

extension UserKeyID {
    init(_ id: KeyID) { self.init(value: id.value) }
}
