import Glibc

/// Everywhere that the process listens: for user agents or tunnels, and for the forwards of a client. Confined to the main
/// worker.
final class Entrances: @unchecked Sendable {
    /// Where connections go that came by one of them; nil where the service itself finds that out.
    typealias Destination = Address?

    private let worker: Worker
    private let workers: [Worker]
    private let report: (Acceptor.Event, Destination) -> Void
    private var acceptors: [Acceptor] = []
    /// Every place where something listens.
    private(set) var places: [Entrance] = []

    struct Entrance: Equatable, Sendable {
        /// The setting that it comes from, or what a service manager calls it.
        let name: String
        /// As a person would write it.
        let place: String
        /// Opened by a service manager.
        let isPassed: Bool
    }

    /// - Parameter report: called on the main worker for whatever happens at one of them.
    init(on worker: Worker, dealingTo workers: [Worker], report: @escaping (Acceptor.Event, Destination) -> Void) {
        self.worker = worker
        self.workers = workers
        self.report = report
    }

    /// - Returns: the places, as a person would write them.
    func open(
        _ listen: [ListenAddress], to destination: Destination = nil, for section: String
    ) throws(ListenPlan.Failure) -> [String] {
        try eachPlace(of: listen, for: section) { (place) throws(NotOpened) in
            let acceptor = try open(place) { [report] in report($0, destination) }
            acceptors.append(acceptor)
            return acceptor.place
        }
    }

    /// Datagrams arrive at `forward` itself, which also closes its sockets.
    func open(
        _ listen: [ListenAddress], on forward: DatagramForward, for section: String
    ) throws(ListenPlan.Failure) -> [String] {
        try eachPlace(of: listen, for: section) { (place) throws(NotOpened) in
            switch place {
            case .network(let address):
                do throws(SystemError) {
                    return try forward.listen(on: address).description
                } catch {
                    throw NotOpened(error, ListenPlan.text(error, for: address))
                }
            case .unix(let path):
                throw NotOpened(nil, "cannot listen on unix:\(path) for datagrams: choose an address and a port")
            }
        }
    }

    /// The same for sockets that are open already.
    func open(_ passed: [PassedSocket], to destination: Destination = nil) throws(ListenPlan.Failure) -> [String] {
        try eachPassed(passed) { (socket) throws(SystemError) in
            let forwarded: (Acceptor.Event) -> Void = { [report] in report($0, destination) }
            switch socket.kind {
            case .listener(.network(let address)):
                acceptors.append(
                    try Listener(passed: socket, at: address, on: worker, dealingTo: workers, report: forwarded))
            case .listener(.unix):
                acceptors.append(try UnixListener(passed: socket, on: worker, dealingTo: workers, report: forwarded))
            case .datagrams, .other: preconditionFailure("no listener")
            }
        }
    }

    func open(_ passed: [PassedSocket], on forward: DatagramForward) throws(ListenPlan.Failure) -> [String] {
        try eachPassed(passed) { (socket) throws(SystemError) in
            guard case .datagrams(.network(let address)) = socket.kind else { preconditionFailure("no datagrams") }
            try forward.listen(on: socket, at: address)
        }
    }

    private func eachPassed(
        _ sockets: [PassedSocket], _ body: (PassedSocket) throws(SystemError) -> Void
    ) throws(ListenPlan.Failure) -> [String] {
        for socket in sockets {
            do throws(SystemError) {
                try body(socket)
            } catch {
                throw ListenPlan.Failure(
                    description: "cannot use the socket \"\(socket.name)\" that was passed, \(socket.place): \(error)")
            }
            places.append(Entrance(name: socket.name, place: socket.place, isPassed: true))
        }
        return sockets.map(\.place)
    }

    /// Of those that have one.
    var addresses: [SocketAddress] { acceptors.compactMap { ($0 as? Listener)?.address } }

    func close() {
        for acceptor in acceptors { acceptor.close() }
        acceptors = []
    }

    private struct NotOpened: Error {
        let isMissing: Bool
        let text: String

        init(_ error: SystemError?, _ text: String) {
            isMissing = error?.code == EADDRNOTAVAIL || error?.code == EAFNOSUPPORT
            self.text = text
        }
    }

    private func eachPlace(
        of listen: [ListenAddress], for section: String, _ body: (ListenPlan.Place) throws(NotOpened) -> String
    ) throws(ListenPlan.Failure) -> [String] {
        var places: [String] = []
        for wanted in listen {
            for entry in try ListenPlan.entries(for: wanted) {
                do throws(NotOpened) {
                    let place = try body(entry.place)
                    places.append(place)
                    self.places.append(Entrance(name: section, place: place, isPassed: false))
                } catch {
                    if entry.mayBeMissing, error.isMissing { continue }
                    throw ListenPlan.Failure(description: error.text)
                }
            }
        }
        return places
    }

    private func open(
        _ place: ListenPlan.Place, _ report: @escaping (Acceptor.Event) -> Void
    ) throws(NotOpened) -> Acceptor {
        switch place {
        case .network(let address):
            do throws(SystemError) {
                return try Listener(address, on: worker, dealingTo: workers, report: report)
            } catch {
                throw NotOpened(error, ListenPlan.text(error, for: address))
            }
        case .unix(let path):
            do throws(UnixListener.Failure) {
                return try UnixListener(path, on: worker, dealingTo: workers, report: report)
            } catch {
                throw NotOpened(nil, ListenPlan.text(error, for: path))
            }
        }
    }
}
