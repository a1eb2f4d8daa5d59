import WstanControl

/// The way to answer a call more than once. Confined to its worker.
///
/// It is over when the client has gone, or does not read what it is sent. The methods say so by returning false: there is
/// nothing more to do then.
final class ControlReplies<Method: ControlMethod>: @unchecked Sendable {
    private let session: ControlSession
    /// Whether the client has asked for more than one reply; without that nothing is sent here.
    let wantsMore: Bool

    init(_ session: ControlSession, wantsMore: Bool) {
        self.session = session
        self.wantsMore = wantsMore
    }

    /// Sends one that others follow, and waits until the client has room for the next: for lists.
    func send(_ reply: Method.Reply) async -> Bool {
        guard wantsMore else { return false }
        return await session.send(message(reply))
    }

    /// Ends early when the client goes.
    func pause(for duration: Duration) async -> Bool {
        guard wantsMore else { return false }
        return await session.pause(for: duration)
    }

    private func message(_ reply: Method.Reply) -> ControlReply {
        ControlReply(ControlCoding.object(of: reply), continues: true)
    }
}
