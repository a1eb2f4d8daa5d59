/// Opens what the configuration says, or takes instead what a service manager has passed.
struct EntrancesOpening {
    let settings: Settings
    let activation: Activation
    let log: EventLog

    struct Opened {
        /// What the process is and where it listens, in words.
        var place: String
        var warnings: [String] = []
    }

    /// - Parameter datagrams: makes the forward for datagrams to a target.
    func open(
        _ entrances: Entrances, datagrams: (Address) -> DatagramForward
    ) throws(ListenPlan.Failure) -> Opened {
        let places = try listeners(entrances).joined(separator: ", ")
        guard settings.mode == .client else { return Opened(place: "server: listening on \(places)") }
        var opened = Opened(place: "client: SOCKS5 and HTTP proxy on \(places), \(servers)")
        for forward in settings.forwards {
            let places = try open(forward, entrances, datagrams).joined(separator: ", ")
            opened.place += "; forward \(forward.name): \(forward.transport.rawValue) on \(places) to \(forward.target)"
            if forward.transport == .udp, !settings.allowUID.isEmpty {
                opened.warnings.append(
                    "allow-uid says nothing about [forward \(forward.name)]: datagrams do not tell whose they are")
            }
        }
        return opened
    }

    private var servers: String {
        (settings.uris.count == 1 ? "server " : "servers ") + settings.uris.map(\.description).joined(separator: ", ")
    }

    private func listeners(_ entrances: Entrances) throws(ListenPlan.Failure) -> [String] {
        guard !activation.listeners.isEmpty else { return try entrances.open(settings.listen, for: "listen") }
        log.listensOnPassed("listen", settings.listen)
        return try entrances.open(activation.listeners)
    }

    private func open(
        _ forward: Forward, _ entrances: Entrances, _ datagrams: (Address) -> DatagramForward
    ) throws(ListenPlan.Failure) -> [String] {
        let section = "forward \(forward.name)"
        guard let target = Address(forward.target) else {
            throw ListenPlan.Failure(
                description: "[\(section)]: the server cannot be told \(forward.target.host): leave the interface out")
        }
        let passed = activation.forwards[forward.name]
        if passed != nil { log.listensOnPassed("[\(section)] listen", forward.listen) }
        switch (forward.transport, passed) {
        case (.tcp, let passed?): return try entrances.open(passed, to: target)
        case (.tcp, nil): return try entrances.open(forward.listen, to: target, for: section)
        case (.udp, let passed?): return try entrances.open(passed, on: datagrams(target))
        case (.udp, nil): return try entrances.open(forward.listen, on: datagrams(target), for: section)
        }
    }
}
