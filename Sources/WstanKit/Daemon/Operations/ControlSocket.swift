import Glibc
import WstanBase
import WstanControl
import WstanControlSocket
import WstanCore

// The control socket as the configuration wants it.

extension ControlServer {
    /// Bytes that all sessions hold together.
    private static let memory = 64 << 20

    /// Listens on the socket that was passed, or at the path of the configuration, on a thread of its own, and logs what is ordered
    /// there.
    ///
    /// - Throws: why that is not possible.
    static func open(
        for operations: ControlOperations, _ configuration: LoadedConfiguration, _ context: DaemonContext
    ) async throws(ListenAddresses.Failure) -> ControlServer {
        let authority = ControlAuthority(user: geteuid(), group: configuration.controlGroup)
        let worker: Worker
        do throws(SystemError) {
            worker = try Worker(index: context.workers.count, memoryLimit: memory)
        } catch {
            throw ListenAddresses.Failure(description: "\(error)")
        }
        let server = ControlServer(
            operations, of: context.main, on: worker, authority: authority, version: Release.version
        ) { context.log.happened($0, now: $1) }
        worker.start()
        // Keys that are added or rotated travel there, in either direction.
        worker.execute { Erasure.alwaysOnThisThread() }
        try await worker.perform { () async -> Result<Void, ListenAddresses.Failure> in
            do throws(ListenAddresses.Failure) {
                return .success(try server.listen(configuration))
            } catch {
                worker.stop()
                return .failure(error)
            }
        }.get()
        return server
    }

    private func listen(_ configuration: LoadedConfiguration) throws(ListenAddresses.Failure) {
        if let passed = configuration.activation.control {
            do throws(SystemError) {
                return try listen(on: passed)
            } catch {
                throw ListenAddresses.Failure(description: "the one that was passed cannot be used: \(error)")
            }
        }
        guard let path = configuration.next.controlSocket else { return }
        do throws(UnixListener.Failure) {
            try listen(at: path)
        } catch {
            throw ListenAddresses.Failure(description: ListenAddresses.text(error, for: path))
        }
    }

    /// Another group may use it from now on.
    func admit(group: UInt32?) {
        admit(ControlAuthority(user: geteuid(), group: group))
    }
}

extension EventLog {
    fileprivate func happened(_ event: ControlServer.Event, now: Instant) {
        switch event {
        case .call(.ordered(let method, let caller)): commandReceived(method, by: caller.process)
        case .call(.failed(let method, let caller, let error)):
            commandFailed(method, by: caller.process, error.message.name)
        case .call(.denied(let method, let caller)): commandDenied(method, to: caller.process, now: now)
        // A client's own business.
        case .ended: break
        case .full(let caller): controlIsFull(caller.process, now: now)
        case .paused(let error): acceptPaused(error, now: now)
        }
    }
}
