/// The constants of version 2 that bound records and messages (protocol-v2.md section 2), in bytes where nothing else is said.
enum LimitsV2 {
    /// From the type to the end of the padding.
    static let plaintext = 66_048
    /// The lowest that a peer may ask for with RECORD.
    static let leastPlaintext = 16_896
    /// What one DATA carries.
    static let data = 65_536
    static let tag = 16
    static let record = plaintext + tag
    /// A REKEY that closes the epoch is one of them.
    static let recordsInEpoch: UInt64 = 1 << 20
    /// Of one WebSocket message.
    static let fragments = 1024
    /// All options of one message, each with its type and its length.
    static let options = 2048
    static let pieces = 64
    /// Of RESET and BYE, in UTF-8.
    static let text = 255
    /// Of one kind in SHAPE.
    static let shapes = 16
    static let shapedSize = 4096
}
