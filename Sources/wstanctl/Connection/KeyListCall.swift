import WstanControl

extension DaemonClient {
    /// All keys, page by page.
    func keys() throws(Failure) -> [Control.Key] {
        do throws(ControlConnection.Failure) {
            return try listKeys()
        } catch {
            switch error {
            // 0.1.0 has them in its status.
            case .refused(.methodNotFound), .refused(.methodNotImplemented): return try keysOfStatus()
            default: throw Failure(error, of: instance, needing: ListKeys.right)
            }
        }
    }

    private func keysOfStatus() throws(Failure) -> [Control.Key] {
        guard let keys = try status().keys else {
            throw Failure(FailureText.notPermitted(.group), status: .notPermitted)
        }
        return keys
    }

    private func listKeys() throws(ControlConnection.Failure) -> [Control.Key] {
        var replies = try ControlConnection(to: instance.socket).callMore(ListKeys.self, .init())
        var keys: [Control.Key] = []
        let deadline = ContinuousClock.Instant.now + .seconds(30)
        // What listens there need not be wstand, and may send without end.
        while deadline > .now, keys.count < Self.mostKeys {
            guard let page = try replies.next(timeout: Self.patience) else { return keys }
            keys += page.keys
        }
        throw .malformed("a list without an end")
    }

    /// More than a ring holds.
    private static var mostKeys: Int { 1 << 16 }
}
