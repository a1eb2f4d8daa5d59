import CLinux
import Glibc
import WstanBase
import WstanControl
import WstanCore

/// The control socket: it listens, and serves each connection, on a worker of its own. So what comes there costs tunnels nothing
/// but what the service does for those who may ask for it. Confined to its worker, but for `close` and `admit`.
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
    private var authority: ControlAuthority
    private let dispatcher: ControlDispatcher
    private let report: (Event) -> Void
    private var acceptors: [Acceptor] = []
    private var limiter = SessionLimiter()
    private var pace = StrangersPace()
    private var sessions: [SessionLimiter.ID: ControlSession] = [:]

    /// - Parameters:
    ///   - worker: its own.
    ///   - home: the worker of the service.
    ///   - version: of the daemon.
    ///   - report: called on its worker.
    package init(
        _ service: any ControlService, of home: Worker, on worker: Worker, authority: ControlAuthority, version: String,
        report: @escaping (Event, _ now: Instant) -> Void
    ) {
        self.worker = worker
        self.authority = authority
        self.report = { report($0, worker.now) }
        let information = GetInfo.Reply(
            vendor: "wstan", product: "wstand", version: version, url: "man:wstand(8)",
            interfaces: [ServiceInterface.name, ControlInterface.name])
        dispatcher = ControlDispatcher(service, of: home, information: information) { report(.call($0), worker.now) }
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

    /// What is being answered is given up; what was answered is delivered, as far as it is read at once. From any worker.
    package func close() async {
        await worker.perform { [self] in
            for acceptor in acceptors { acceptor.close() }
            acceptors = []
            for session in sessions.values { session.stream.closeOrderly(awaitingPeer: false) }
            await worker.flushed(until: worker.now + .milliseconds(200))
        }
        worker.stop()
    }

    /// Others may use it from now on. From any worker.
    package func admit(_ authority: ControlAuthority) {
        worker.execute { [self] in self.authority = authority }
    }

    private func happened(_ event: Acceptor.Event) {
        switch event {
        case .accepted(let arrival): serve(arrival)
        case .gaveWay: break
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
        let isHeld = standing == .stranger && !pace.connection(of: process.uid, now: worker.now)
        guard !isHeld, case .admitted(let id, let evicted) = limiter.admit(standing, of: process.uid) else {
            Glibc.close(arrival.descriptor)
            return
        }
        if let evicted { sessions.removeValue(forKey: evicted)?.stream.close() }
        guard let stream = try? Stream(arrival) else { return limiter.left(id) }
        let session = ControlSession(stream, caller: caller, standing: standing, dispatcher: dispatcher) { [unowned self] in
            standing == .stranger ? pace.call(of: process.uid, now: worker.now) : .zero
        }
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
