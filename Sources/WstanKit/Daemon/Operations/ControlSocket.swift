import Glibc
import WstanBase
import WstanControl
import WstanControlSocket
import WstanCore

// The control socket as the configuration wants it.

extension ControlServer {
    /// Listens on the socket that was passed, or at the path of the configuration, and logs what is ordered there.
    ///
    /// - Throws: why that is not possible.
    static func open(
        for operations: ControlOperations, _ configuration: LoadedConfiguration, _ context: DaemonContext
    ) throws(ListenAddresses.Failure) -> ControlServer {
        let authority = ControlAuthority(user: geteuid(), group: configuration.controlGroup)
        let server = ControlServer(operations, on: context.main, authority: authority, version: Release.version) {
            event in
            context.log.happened(event, now: context.main.now)
        }
        try server.listen(configuration)
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
        authority = ControlAuthority(user: geteuid(), group: group)
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
        case .paused(let error): acceptPaused(error, now: now)
        }
    }
}
