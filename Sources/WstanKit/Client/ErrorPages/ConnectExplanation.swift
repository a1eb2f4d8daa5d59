import WstanBase

extension ConnectCause {
    /// Which end has tried to connect.
    enum End {
        case server
        case client
    }

    /// What it means to a person that a target cannot be connected to.
    ///
    /// - Parameters:
    ///   - host: the target's.
    ///   - target: nil when the request did not get so far.
    func explanation(of host: String, _ target: Address?, triedBy end: End) -> Explanation {
        let port = target.map { "port \($0.port)" } ?? "that port"
        let nameServers = end == .server ? "The server's name servers" : "The name servers of this network"
        func either<T>(_ atServer: T, _ atClient: T) -> T { end == .server ? atServer : atClient }
        func failed(_ status: Int, _ title: String, _ cause: String, _ advice: [String]) -> Explanation {
            Explanation(status, title, cause, advice: advice, hop: either(.serverToTarget, .clientToTarget))
        }
        switch self {
        case .nameNotFound:
            return failed(
                502, "\(host) does not exist",
                either(
                    "The server looked the name up, and nobody has it.",
                    "It was looked up from here, and nobody has that name."),
                ["Check the spelling."]
                    + either(["A name that exists in your own network only is not for this proxy."], []))
        case .nameServersSilent:
            return failed(
                502, "\(host) cannot be looked up", "\(nameServers) do not answer.",
                ["Try again in a moment; if it stays so, look at `/etc/resolv.conf`\(either(" on the server", ""))."])
        case .lookUpTimedOut:
            return failed(
                504, "\(host) cannot be looked up", "\(nameServers) took too long.",
                ["Try again in a moment."])
        case .tooManyLookUps:
            return failed(
                502, "\(host) was not looked up",
                either(
                    "The server is looking too many names up for you already.",
                    "Too many names are being looked up already."),
                ["Try again in a moment."])
        case .refused:
            return failed(
                502, "\(host) refuses the connection",
                "It is there, but nothing listens on \(port), or a firewall says no.",
                ["Check the port."] + either(["If it is your server, see whether the service runs."], []))
        case .timedOut:
            return failed(
                504, "\(host) does not answer",
                "The \(either("server", "client")) tried to connect to \(port), and nothing came back.",
                ["It may be down, or a firewall swallows what goes to \(port)."]
                    + either(["Check the address, and try again later."], []))
        case .networkUnreachable:
            return failed(
                502, either("The server cannot get to \(host)", "No network leads to \(host)"),
                either("No network leads from the server to its address.", "This host has no route to its address."),
                either(["Often the address is IPv6 and the server has none."], []))
        case .hostUnreachable:
            return failed(
                502, "\(host) is not there", "Its network is, but nobody there answers to its address.",
                ["It may be down: try again later."])
        case .reset:
            return failed(
                502, "\(host) cuts the connection", "It was reset before it was made.",
                either(["Something between the server and \(host) does not like it."], []))
        case .shortage:
            return failed(
                502, "The \(either("server", "client")) is out of connections",
                "It has as many as its system lets it have.",
                either(
                    ["Try again in a moment; whoever runs it can raise its limits."],
                    ["Raise LimitNOFILE= or `ulimit -n`."]))
        }
    }
}
