/// The key that a client's next tunnels are opened with. Confined to its worker.
final class SendingKey: @unchecked Sendable {
    private(set) var authenticator: Authenticator

    init(_ authenticator: Authenticator) {
        self.authenticator = authenticator
    }

    /// - Returns: whether it is another one.
    func install(_ key: Key) -> Bool {
        guard key != authenticator.key else { return false }
        authenticator = Authenticator(key: key)
        return true
    }
}
