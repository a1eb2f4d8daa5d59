/// What a tunnel owes its peer. Only the latest ping wants an answer (RFC 6455 section 5.5.3), and none while the peer does
/// not take what it was sent: so a flood of what asks for answers costs nothing.
struct DueAnswers {
    /// The payload of the latest ping.
    var pong: [UInt8]?
    /// Whether the peer has asked, by data without bytes, to be told when the target has answered.
    var isAnswer = false

    mutating func takePong() -> [UInt8]? {
        guard let payload = pong else { return nil }
        pong = nil
        return payload
    }

    mutating func takeAnswer() -> Bool {
        defer { isAnswer = false }
        return isAnswer
    }
}
