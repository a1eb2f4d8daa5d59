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
                502, "\(host) does not exist" + either(", or is not allowed", ""),
                either(
                    "The server looked the name up. It does not exist, or leads only to addresses that the server's rules "
                        + "forbid; the server's log tells which.",
                    "The client looked the name up, and it does not exist."),
                ["Check the spelling."]
                    + either(["The server cannot see a name that exists only in your own network."], []))
        case .nameServersSilent:
            return failed(
                502, "\(host) cannot be looked up", "\(nameServers) do not answer.",
                ["Try again in a moment; if it fails again, look at `/etc/resolv.conf`\(either(" on the server", ""))."])
        case .lookUpTimedOut:
            return failed(
                504, "\(host) cannot be looked up", "\(nameServers) took too long.",
                ["Try again in a moment."])
        case .tooManyLookUps:
            return failed(
                502, "\(host) was not looked up",
                either(
                    "The server already looks up too many names for this client.",
                    "The client already looks up too many names."),
                ["Try again in a moment."])
        case .refused:
            return failed(
                502, "\(host) refuses the connection",
                "Nothing listens on \(port) there, or a firewall rejects the connection.",
                ["Check the port."] + either(["If it is your server, see whether the service runs."], []))
        case .timedOut:
            return failed(
                504, "\(host) does not answer",
                "The \(either("server", "client")) tried to connect to \(port), and got no answer.",
                ["It may be down, or a firewall may drop connections to \(port)."]
                    + either(["Check the address, and try again later."], []))
        case .networkUnreachable:
            return failed(
                502, either("The server cannot reach \(host)", "No route to \(host)"),
                either("The server has no route to its address.", "This host has no route to its address."),
                either(["The address may be IPv6, and the server may not have IPv6."], []))
        case .hostUnreachable:
            return failed(
                502, "\(host) is not there", "No host answers at its address.",
                ["It may be down: try again later."])
        case .reset:
            return failed(
                502, "\(host) cuts the connection", "The connection was reset while it was made.",
                either(["The host may refuse the server, or a firewall between them may reset connections."], []))
        case .shortage:
            return failed(
                502, "The \(either("server", "client")) is out of connections",
                "It has reached a limit of its system, such as open files or ports.",
                either(
                    ["Try again in a moment. The administrator of the server can raise its limits."],
                    ["Raise LimitNOFILE=, `ulimit -n`, or the limit of its container."]))
        }
    }
}
