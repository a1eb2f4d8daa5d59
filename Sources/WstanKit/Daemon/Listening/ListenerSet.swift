import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// Everywhere that the process listens: for user agents or tunnels, and for the forwards of a client. Confined to the main
/// worker.
final class ListenerSet: @unchecked Sendable {
    private let services: Services
    private let worker: Worker
    private let workers: [Worker]
    private let log: EventLog
    /// Makes the forwards for datagrams; nil where no role has any.
    private let forwarder: ClientService?
    /// In the order of the plan.
    private var openListeners: [OpenListener] = []

    /// An open socket, and what it is for now.
    private final class OpenListener {
        let socket: Pollable
        let place: String
        private(set) var entry: ListenPlan.Entry
        /// Nil for datagrams.
        private let route: Route?
        /// Nil for connections.
        let forward: DatagramForward?

        init(
            _ entry: ListenPlan.Entry, _ socket: Pollable, at place: String, _ route: Route?,
            forward: DatagramForward? = nil
        ) {
            self.entry = entry
            self.socket = socket
            self.place = place
            self.route = route
            self.forward = forward
            (socket as? Acceptor)?.limiter = route?.limiter
            apply(entry)
        }

        var port: UInt16? { (socket as? Listener)?.address.port ?? (socket as? DatagramSocket)?.address.port }

        /// The same place may be for something else from now on.
        func apply(_ entry: ListenPlan.Entry) {
            self.entry = entry
            switch entry.purpose {
            case .service: route?.destination = nil
            case .connections(let target): route?.destination = target
            case .datagrams(let target): forward?.apply(target)
            }
        }
    }

    /// Where an acceptor's connections go.
    private final class Route {
        /// Nil where the connection itself says it.
        var destination: Address?
        let limiter: HandshakeLimiter?

        init(bounding limiter: HandshakeLimiter?) {
            self.limiter = limiter
        }
    }

    /// - Parameter services: what connections are handed to.
    init(serving services: Services, _ context: DaemonContext) {
        self.services = services
        worker = context.main
        workers = context.workers
        log = context.log
        forwarder = services.roles.lazy.compactMap { $0.forwarder }.first
    }

    /// Every place where something listens.
    var places: [ListeningPlace] {
        openListeners.map {
            ListeningPlace(
                name: $0.entry.name, forward: $0.entry.forward, place: $0.place, isPassed: $0.entry.source.isPassed)
        }
    }

    /// Of those for connections that have one.
    var addresses: [SocketAddress] { openListeners.compactMap { ($0.socket as? Listener)?.address } }

    /// What `listen` says, if sockets that were passed are elsewhere.
    private(set) var replaced: [ListenAddress] = []

    /// Opens what is missing, keeps what is there already, and closes the rest. All of it or, when it throws, nothing.
    func apply(_ plan: ListenPlan) throws(ListenAddresses.Failure) {
        var former = openListeners
        var next: [OpenListener?] = plan.entries.map { entry in
            former.firstIndex { $0.entry.isAt(entry) }.map { former.remove(at: $0) }
        }
        // Where one takes over another's port, as 0.0.0.0:80 that of 127.0.0.1:80, both are there for a moment.
        let missing = zip(plan.entries, next).filter { $1 == nil }.map(\.0)
        let shared = former.filter { opened in missing.contains { $0.hasPort(of: opened.entry) } }
        allowSharing(of: shared, true)
        do throws(ListenAddresses.Failure) {
            for (index, entry) in plan.entries.enumerated() where next[index] == nil {
                let sibling = zip(plan.entries, next).first { $0.isSibling(of: entry) && $1 != nil }?.1
                next[index] = try open(
                    entry, sharing: shared.contains { entry.hasPort(of: $0.entry) }, port: sibling?.port ?? 0)
            }
            try checkNoneIsMissing(plan, next.map { $0 != nil })
        } catch {
            let kept = openListeners
            for opened in next.compactMap({ $0 }) where !kept.contains(where: { $0 === opened }) { close(opened) }
            allowSharing(of: shared, false)
            throw error
        }
        for opened in former { close(opened) }
        for (opened, entry) in zip(next, plan.entries) { opened?.apply(entry) }
        openListeners = next.compactMap { $0 }
        replaced = plan.replaced
        allowSharing(of: openListeners, false)
    }

    /// Whether `apply` would succeed now. Opens and closes nothing.
    func rehearse(_ plan: ListenPlan) throws(ListenAddresses.Failure) {
        let leaving = openListeners.filter { opened in !plan.entries.contains { opened.entry.isAt($0) } }
        var isThere: [Bool] = []
        for entry in plan.entries {
            guard case .place(let place) = entry.source, !openListeners.contains(where: { $0.entry.isAt(entry) }) else {
                isThere.append(true)
                continue
            }
            let shared = leaving.filter { entry.hasPort(of: $0.entry) }
            allowSharing(of: shared, true)
            defer { allowSharing(of: shared, false) }
            isThere.append(try rehearse(place, entry, sharing: !shared.isEmpty))
        }
        try checkNoneIsMissing(plan, isThere)
    }

    /// - Returns: false when it may be missing, and is.
    private func rehearse(
        _ place: ListenAddresses.Place, _ entry: ListenPlan.Entry, sharing: Bool
    ) throws(ListenAddresses.Failure) -> Bool {
        switch place {
        case .network(let address):
            do throws(SystemError) {
                try BindTrial.bind(address, forDatagrams: entry.purpose.isForDatagrams, sharing: sharing)
            } catch {
                if entry.group != nil, error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT { return false }
                throw ListenAddresses.Failure(description: ListenAddresses.text(error, for: address))
            }
        case .unix(let path):
            guard !entry.purpose.isForDatagrams else { throw Self.notForDatagrams(path) }
            do throws(UnixListener.Failure) {
                try BindTrial.look(at: path)
            } catch {
                throw ListenAddresses.Failure(description: ListenAddresses.text(error, for: path))
            }
        }
        return true
    }

    private static func notForDatagrams(_ path: String) -> ListenAddresses.Failure {
        ListenAddresses.Failure(
            description: "cannot listen on unix:\(path) for datagrams: choose an address and a port")
    }

    /// This host may lack some of the places that one address stands for, but not all of them.
    ///
    /// - Parameter isThere: for each entry of the plan, whether it listens.
    private func checkNoneIsMissing(_ plan: ListenPlan, _ isThere: [Bool]) throws(ListenAddresses.Failure) {
        let entries = zip(plan.entries, isThere)
        for (entry, isThere) in entries where !isThere {
            let hasSibling = entries.contains { $0.isSibling(of: entry) && $1 }
            guard let group = entry.group, !entry.isRest, !hasSibling else { continue }
            throw ListenAddresses.Failure(
                description: "cannot listen on \(group): this host has none of its addresses; is the interface lo up?")
        }
    }

    func close() {
        for opened in openListeners { opened.socket.close() }
        openListeners = []
    }

    private func allowSharing(of openListeners: [OpenListener], _ isAllowed: Bool) {
        for opened in openListeners where !opened.entry.source.isPassed {
            SocketOption.reusePort.set(isAllowed ? 1 : 0, on: opened.socket.descriptor)
        }
    }

    /// For good, unlike at the end of the process: connections that have come already are served.
    private func close(_ opened: OpenListener) {
        (opened.socket as? Acceptor)?.closeOnceEmpty()
        if let forward = opened.forward { forwarder?.end(forward) }
    }

    // MARK: One of them

    /// - Parameter port: that of a sibling which is open, for one whose port the kernel chooses; else 0.
    /// - Returns: nil when it may be missing, and is.
    private func open(
        _ entry: ListenPlan.Entry, sharing: Bool, port: UInt16
    ) throws(ListenAddresses.Failure) -> OpenListener? {
        switch entry.source {
        case .passed(let socket):
            do throws(SystemError) {
                return try open(socket, entry)
            } catch {
                throw ListenAddresses.Failure(
                    description: "cannot use the socket \"\(socket.name)\" that was passed, \(socket.place): \(error)")
            }
        case .place(.network(let address)):
            do throws(SystemError) {
                if address.port == 0, port != 0, let opened = try? open(address.withPort(port), entry, sharing) {
                    return opened
                }
                return try open(address, entry, sharing)
            } catch {
                if entry.group != nil, error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT { return nil }
                throw ListenAddresses.Failure(description: ListenAddresses.text(error, for: address))
            }
        case .place(.unix(let path)):
            return try open(path, entry)
        }
    }

    private func open(
        _ address: SocketAddress, _ entry: ListenPlan.Entry, _ sharing: Bool
    ) throws(SystemError) -> OpenListener {
        if case .datagrams(let target) = entry.purpose {
            return try forwardDatagrams(to: target, entry) { (forward) throws(SystemError) in
                try forward.listen(on: address, sharing: sharing)
            }
        }
        let route = Route(bounding: services.roles.first?.limiter)
        let listener = try Listener(
            address, sharing: sharing, on: worker, dealingTo: workers, report: reports(by: route))
        return OpenListener(entry, listener, at: listener.place, route)
    }

    private func open(_ path: String, _ entry: ListenPlan.Entry) throws(ListenAddresses.Failure) -> OpenListener {
        guard !entry.purpose.isForDatagrams else { throw Self.notForDatagrams(path) }
        let route = Route(bounding: services.roles.first?.limiter)
        do throws(UnixListener.Failure) {
            let listener = try UnixListener(path, on: worker, dealingTo: workers, report: reports(by: route))
            return OpenListener(entry, listener, at: listener.place, route)
        } catch {
            throw ListenAddresses.Failure(description: ListenAddresses.text(error, for: path))
        }
    }

    private func open(_ socket: PassedSocket, _ entry: ListenPlan.Entry) throws(SystemError) -> OpenListener {
        let route = Route(bounding: services.roles.first?.limiter)
        switch (socket.kind, entry.purpose) {
        case (.listener(.network(let address)), _):
            let listener = try Listener(
                passed: socket, at: address, on: worker, dealingTo: workers, report: reports(by: route))
            return OpenListener(entry, listener, at: socket.place, route)
        case (.listener(.unix), _):
            let listener = try UnixListener(passed: socket, on: worker, dealingTo: workers, report: reports(by: route))
            return OpenListener(entry, listener, at: socket.place, route)
        case (.datagrams(.network(let address)), .datagrams(let target)):
            return try forwardDatagrams(to: target, entry) { (forward) throws(SystemError) in
                try forward.listen(on: socket, at: address)
            }
        case (.datagrams, _), (.other, _): preconditionFailure("SocketActivation has looked at it")
        }
    }

    private func reports(by route: Route) -> (Acceptor.Event) -> Void {
        { [services, worker, log] event in
            switch event {
            case .accepted(let arrival): services.serve(arrival, to: route.destination)
            case .gaveWay: services.closedForRoom()
            case .paused(let error): log.acceptPaused(error, now: worker.now)
            }
        }
    }

    private func forwardDatagrams(
        to target: Address, _ entry: ListenPlan.Entry, _ listen: (DatagramForward) throws(SystemError) -> DatagramSocket
    ) throws(SystemError) -> OpenListener {
        guard let forwarder else { throw SystemError(call: "forward", code: EOPNOTSUPP) }
        let forward = forwarder.forwardDatagrams(to: target)
        do throws(SystemError) {
            let socket = try listen(forward)
            return OpenListener(entry, socket, at: socket.address.description, nil, forward: forward)
        } catch {
            forwarder.end(forward)
            throw error
        }
    }
}
