import WstanBase

/// What a server of version 2 says of the end of the key that its client has (protocol-v2.md section 4.5). A value.
package struct KeyTerm: Sendable, Equatable {
    /// EXPIRY. Nil: the server does not say when.
    package let end: CalendarTime?
    /// Bit 0 of the flags: the server has another key for the client.
    package let isReplaced: Bool

    /// - Returns: nil: it says nothing of an end.
    init?(_ reply: ReplyPayload) {
        end = reply.options.expiry
        isReplaced = reply.isInGrace
        if end == nil, !isReplaced { return nil }
    }
}
