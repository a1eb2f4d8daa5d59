import WstanBase

/// What is where this end listens, or will.
struct ListenObservation {
    enum State {
        /// A client of ours.
        case client
        /// A process that does not admit this user, as a client of ours with `allow-uid` would not.
        case guarded
        /// A server that knows the key.
        case server
        /// One that drains, or is full.
        case busyServer
        /// A server that wants certificates of its clients, and the doctor has none.
        case closedServer
        /// A process that gave another answer to a request with the key.
        case otherServer(String)
        /// A process that is no client of ours, as far as can be told.
        case stranger(String)
        /// Ours, but it listens on these addresses.
        case elsewhere([String], ServiceUnit?)
        /// Ours, but it is a process of its own beside the unit.
        case outsideService(String, ServiceUnit)
        case free
        /// Nobody, and this end could not listen there either; with what to do about it.
        case unusable(String, remedy: String?)
    }

    let place: String
    let state: State

    /// Whether something of ours answers there, as far as can be told.
    var isServed: Bool {
        switch state {
        case .client, .guarded, .server, .busyServer, .closedServer, .elsewhere, .outsideService: true
        case .otherServer, .stranger, .free, .unusable: false
        }
    }

    private static let findWho = "see what listens there (ss -ltnp), then stop it or change listen"

    var finding: Finding {
        switch state {
        case .client: .ok("listen", "a wstan client serves \(place)")
        case .guarded: .ok("listen", "the program on \(place) does not answer this user; allow-uid may be the reason")
        case .server: .ok("listen", "wstand serves \(place), and knows the key")
        case .busyServer:
            .warning(
                "listen", "wstand serves \(place), and takes no new tunnels: it drains, or a limit is reached",
                remedy: "wstanctl status says which; wstanctl undrain ends a drain")
        case .closedServer: .ok("listen", "a server on \(place) asks for a client's certificate, as client-ca says")
        case .otherServer(let answer):
            .failed(
                .other, "listen", "what serves \(place) does not open a tunnel for this key: \(answer)",
                remedy:
                    "if it is wstand, it runs by another configuration, and its wstanctl rejects lists this doctor's request: "
                    + "restart it, and compare key and the URI's path; "
                    + "otherwise \(Self.findWho)")
        case .stranger(let who):
            .failed(.other, "listen", "\(who) serves \(place), so wstand cannot", remedy: Self.findWho)
        case .elsewhere(let addresses, let unit):
            .failed(
                .other, "listen", "wstand listens on \(addresses.listed()), not on \(place): a restart is pending",
                remedy: "restart it: \(unit?.systemctl ?? "systemctl") restart \(unit?.name ?? "wstand")")
        case .outsideService(let process, let unit):
            .failed(
                .other, "listen", "\(process) serves \(place), and is not \(unit.name)",
                remedy: "stop that process, then: \(unit.systemctl) restart \(unit.name)")
        case .free: .ok("listen", "\(place) is free; no wstand runs there")
        case .unusable(let text, let remedy): .failed(.other, "listen", text, remedy: remedy)
        }
    }
}
