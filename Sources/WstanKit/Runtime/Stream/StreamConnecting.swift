import CLinux
import Glibc
import WstanBase

extension Stream {
    package static func connect(
        to address: SocketAddress, worker: Worker, deadline: Instant
    ) async throws(SystemError) -> Stream {
        guard !Descriptors.areExhausted() else { throw SystemError(call: "socket", code: EMFILE) }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try SystemError.check("socket") { socket(address.family, type, 0) }
        SocketOption.keepLatencyLow(descriptor)
        let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
        let code = errno
        if result < 0, code != EINPROGRESS {
            Glibc.close(descriptor)
            throw SystemError(call: "connect", code: code)
        }
        let stream = try Stream(descriptor: descriptor, worker: worker, isConnected: result == 0)
        if result < 0 { try await stream.waitUntilConnected(deadline: deadline) }
        return stream
    }

    private func waitUntilConnected(deadline: Instant) async throws(SystemError) {
        let wake = await withTaskCancellationHandler {
            // The cancellation may have come before there was anything to close.
            if Task.isCancelled { close() }
            return await wait(until: deadline) {
                connecter = $0
            } onTimeout: { [self] in
                resume(&connecter, .timedOut)
            }
        } onCancel: {
            worker.execute { self.close() }
        }
        switch wake {
        case .ready:
            let code = SocketOption.error.get(from: descriptor) ?? 0
            guard code == 0 else {
                close()
                throw SystemError(call: "connect", code: code)
            }
        case .timedOut:
            close()
            throw SystemError(call: "connect", code: ETIMEDOUT)
        case .closed, .interrupted:
            throw SystemError(call: "connect", code: ECANCELED)
        }
    }

    func wait(
        until deadline: Instant, _ store: (UnsafeContinuation<Wake, Never>) -> Void, onTimeout: @escaping () -> Void
    ) async -> Wake {
        if isClosed { return .closed }
        let timer = worker.schedule(at: deadline, onTimeout)
        defer { worker.cancel(timer) }
        return await withUnsafeContinuation { store($0) }
    }
}
