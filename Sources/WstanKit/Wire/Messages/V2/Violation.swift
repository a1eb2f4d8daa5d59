/// What a peer that holds the keys may not send: the tunnel is closed at once. Its TCP connection is dropped without a WebSocket
/// close, nothing more is delivered, and the connection that it carries is reset.
///
/// In P1 and P2 the same faults make a refused request and an impostor's answer (protocol-v2.md sections 4.4, 4.5).
package enum Violation: String, Error, Sendable {
    /// Not of RFC 6455.
    case frame

    // Of records (section 4.6).
    case recordLength = "record-length"
    case epochTooLong = "epoch-too-long"
    /// More changes of keys between two answers than any sender needs: each costs as much as a thousand small records.
    case tooManyRekeys = "too-many-rekeys"
    case notAuthentic = "not-authentic"
    case textMessage = "text-message"
    case tooManyFragments = "too-many-fragments"
    case messageTooLong = "message-too-long"

    // Of the form of a message (section 5).
    case truncated
    case trailingBytes = "trailing-bytes"
    case padding
    case unknownType = "unknown-type"
    case tooMuchData = "too-much-data"
    case textTooLong = "text-too-long"
    case addressType = "address-type"
    case address
    case optionsTooLong = "options-too-long"
    case optionTwice = "option-twice"
    case optionLength = "option-length"
    case optionValue = "option-value"
    case noPieces = "no-pieces"
    case tooManyPieces = "too-many-pieces"

    // Of the tunnel's life (section 6).
    case wrongSide = "wrong-side"
    case notIdle = "not-idle"
    case notParked = "not-parked"
    case noConnection = "no-connection"
    case beforeOK = "before-ok"
    case okOutOfTurn = "ok-out-of-turn"
    case notOfThisConnection = "not-of-this-connection"

    /// The reason code for log lines.
    package var code: String { rawValue }
}
