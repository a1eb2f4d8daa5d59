import Synchronization

/// That the state has changed of which the service manager shows a line. Any thread may tell.
final class StatusNews: Sendable {
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)

    /// Without a listener nothing happens.
    func tell() {
        let listener = listener.withLock { $0 }
        listener?()
    }

    func listen(_ listener: @escaping @Sendable () -> Void) {
        self.listener.withLock { $0 = listener }
    }
}
