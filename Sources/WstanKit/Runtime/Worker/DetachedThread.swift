import Glibc

/// A thread of our own that runs to the end of its body, or of the process.
package enum DetachedThread {
    /// - Parameter stackSize: in bytes; nil is the system's default.
    /// - Returns: why the thread could not be started.
    package static func start(stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void) -> SystemError? {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        if let stackSize { pthread_attr_setstacksize(&attributes, stackSize) }
        let held = Unmanaged.passRetained(ThreadBody(run: body))
        var thread = pthread_t()
        let status = pthread_create(&thread, &attributes, runThreadBody, held.toOpaque())
        if status == 0 { return nil }
        held.release()
        return SystemError(call: "pthread_create", code: status)
    }
}

/// What a thread's entry is given, as one pointer.
private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

/// The thread's entry: a free function, since a closure could be isolated to an actor and then traps on this thread.
private func runThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
