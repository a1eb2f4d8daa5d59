/// Every bound on what a peer may do with TLS.
enum TLSLimits {
    /// Bytes of a handshake. Certificates have some thousand; nobody honest comes near it.
    static let handshake = 64 * 1024
    /// Bytes that bring no data, in a row: a record that is not complete, tickets, changes of keys.
    static let barren = 64 * 1024
    /// The same within one call, in bytes beyond those of the data: then it is the others' turn. Opening a change of keys
    /// costs a thousand times what sending it does.
    static let barrenAtOnce = 2 * record
    /// Bytes that a peer may make OpenSSL send, by changes of keys, while it takes none of them.
    static let unasked = 16 * 1024
    /// What OpenSSL holds for a handshake, for the budget's sake: two buffers for records, and a message.
    static let held = 40 * 1024
    /// A record as it is on the wire, at its largest (RFC 8446 section 5.2; RFC 5246 section 6.2.3 lets it be longer).
    static let record = 17 * 1024
    /// Servers whose sessions a worker's client remembers.
    static let sessions = 16
    /// Names of a certificate that are repeated to a person, and characters of each.
    static let namesTold = 6
    static let charactersTold = 80
}
