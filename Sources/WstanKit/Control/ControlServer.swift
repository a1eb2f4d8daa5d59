import CLinux
import Glibc
import WstanControl
import WstanCore

/// The control socket: it listens, and serves each connection on its worker. Confined to its worker.
///
/// A client costs a descriptor and at most one message in each direction; what it sends and does not read is its own loss.
package final class ControlServer: @unchecked Sendable {
    package enum Event {
        case call(ControlDispatcher.Event)
        case ended(ControlSession.Ending, ControlCaller)
        /// No more connections for now: out of descriptors or memory.
        case paused(SystemError)
    }

    private let worker: Worker
    /// Of those who connect from now on.
    package var authority: ControlAuthority
    private let dispatcher: ControlDispatcher
    private let report: (Event) -> Void
    private var acceptors: [Acceptor] = []
    private var limiter = SessionLimiter()
    private var sessions: [SessionLimiter.ID: ControlSession] = [:]

    /// - Parameters:
    ///   - version: of the daemon.
    ///   - report: called on the worker.
    package init(
        _ service: any ControlService, on worker: Worker, authority: ControlAuthority, version: String,
        report: @escaping (Event) -> Void
    ) {
        self.worker = worker
        self.authority = authority
        self.report = report
        let information = GetInfo.Reply(
            vendor: "wstan", product: "wstand", version: version, url: "man:wstand(8)",
            interfaces: [ServiceInterface.name, ControlInterface.name])
        dispatcher = ControlDispatcher(service, information: information) { report(.call($0)) }
    }

    /// Every user of this host may connect.
    package func listen(at path: String) throws(UnixListener.Failure) {
        add(try UnixListener(path, on: worker, dealingTo: [worker]) { [unowned self] in happened($0) })
    }

    /// - Parameter socket: a Unix stream socket that listens already, as a service manager passes it.
    package func listen(on socket: PassedSocket) throws(SystemError) {
        add(try UnixListener(passed: socket, on: worker, dealingTo: [worker]) { [unowned self] in happened($0) })
    }

    private func add(_ acceptor: Acceptor) {
        // When descriptors run short, an administrator wants to see why, and the limiter admits few.
        acceptor.leavesReserve = false
        acceptors.append(acceptor)
    }

    /// What is being answered is given up; what was answered is delivered.
    package func close() {
        for acceptor in acceptors { acceptor.close() }
        acceptors = []
        for session in sessions.values { session.stream.closeOrderly(awaitingPeer: false) }
    }

    private func happened(_ event: Acceptor.Event) {
        switch event {
        case .accepted(let arrival): serve(arrival)
        case .paused(let error): report(.paused(error))
        }
    }

    private func serve(_ arrival: Acceptor.Arrival) {
        guard case .local(let process) = arrival.peer else {
            Glibc.close(arrival.descriptor)
            return
        }
        let caller = ControlCaller(process, on: arrival.descriptor)
        let standing = authority.standing(of: caller)
        guard case .admitted(let id, let evicted) = limiter.admit(standing) else {
            Glibc.close(arrival.descriptor)
            return
        }
        if let evicted { sessions.removeValue(forKey: evicted)?.stream.close() }
        guard let stream = try? Stream(arrival) else { return limiter.left(id) }
        let session = ControlSession(stream, caller: caller, standing: standing, dispatcher: dispatcher)
        sessions[id] = session
        worker.spawn { [self] in
            let ending = await session.run { [self] isBusy in
                if isBusy { limiter.began(id) } else { limiter.becameIdle(id) }
            }
            limiter.left(id)
            sessions[id] = nil
            if ending != .left { report(.ended(ending, caller)) }
        }
    }
}
