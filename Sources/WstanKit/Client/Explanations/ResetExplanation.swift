/// What the server's reset, the only thing that came back, means to a person.
extension Reset {
    /// - Parameter host: the target's.
    func explanation(of host: String, _ target: Address?) -> Explanation {
        if let key = forbiddingKey { return forbidden(host, by: key) }
        if isUnreachable {
            guard let cause = ConnectCause(text: detail) else {
                return Explanation(
                    502, "The server cannot connect to \(host)", "Why, it says in its own words.",
                    advice: ["Try again, and look at the server's log if it stays so."], hop: .serverToTarget,
                    quoting: detail.isEmpty ? reason : detail)
            }
            return unreachable(host, target, cause)
        }
        if isNormal {
            return Explanation(
                502, "\(host) did not answer", "It took the request and closed the connection without a word.",
                advice: ["Try again. If it stays so, another protocol may be spoken on that port: try `https://`."],
                hop: .serverToTarget)
        }
        if isBrokenConnection {
            return Explanation(
                502, "\(host) broke the connection off", "It took the request, and then the connection was reset.",
                advice: ["Try again. If it stays so, something between the server and \(host) does not like it."],
                hop: .serverToTarget)
        }
        return Explanation(
            502, "The server gave up on \(host)", "Why, it says in its own words.",
            advice: ["Try again, and look at the server's log if it stays so."], hop: .serverToTarget,
            quoting: detail.isEmpty ? reason : "\(reason): \(detail)")
    }

    private func forbidden(_ host: String, by key: String) -> Explanation {
        let advice =
            switch key {
            case "allow-private":
                "It is the server itself, or in a network of its own: `allow-private = yes` in the server's "
                    + "configuration opens these."
            case "allow":
                "It has `deny = *` in its configuration, and takes you only where `allow` says: add \(host) there."
            case "deny":
                "It is listed under `deny` in the server's configuration."
            default:
                "A rule of the server's configuration says so."
            }
        return Explanation(
            403, "The server does not let you go to \(host)", "It could, but its rules forbid it.",
            advice: [advice, "Whoever runs the server can change that."], hop: .serverToTarget,
            quoting: ["allow-private", "allow", "deny"].contains(key) ? nil : key)
    }

    private func unreachable(_ host: String, _ target: Address?, _ cause: ConnectCause) -> Explanation {
        let port = target.map { "port \($0.port)" } ?? "that port"
        func failed(_ status: Int, _ title: String, _ cause: String, _ advice: String...) -> Explanation {
            Explanation(status, title, cause, advice: advice, hop: .serverToTarget)
        }
        switch cause {
        case .nameNotFound:
            return failed(
                502, "\(host) does not exist", "The server looked the name up, and nobody has it.",
                "Check the spelling.", "A name that exists in your own network only is not for this proxy.")
        case .nameServersSilent:
            return failed(
                502, "\(host) cannot be looked up", "The server's name servers do not answer.",
                "Try again in a moment; if it stays so, look at `/etc/resolv.conf` on the server.")
        case .lookUpTimedOut:
            return failed(
                504, "\(host) cannot be looked up", "The server's name servers took too long.", "Try again in a moment."
            )
        case .tooManyLookUps:
            return failed(
                502, "\(host) was not looked up", "The server is looking too many names up for you already.",
                "Try again in a moment.")
        case .refused:
            return failed(
                502, "\(host) refuses the connection",
                "It is there, but nothing listens on \(port), or a firewall says no.",
                "Check the port.", "If it is your server, see whether the service runs.")
        case .timedOut:
            return failed(
                504, "\(host) does not answer", "The server tried to connect to \(port), and nothing came back.",
                "It may be down, or a firewall swallows what goes to \(port).",
                "Check the address, and try again later.")
        case .networkUnreachable:
            return failed(
                502, "The server cannot get to \(host)", "No network leads from the server to its address.",
                "Often the address is IPv6 and the server has none.")
        case .hostUnreachable:
            return failed(
                502, "\(host) is not there", "Its network is, but nobody there answers to its address.",
                "It may be down: try again later.")
        case .reset:
            return failed(
                502, "\(host) cuts the connection", "It was reset before it was made.",
                "Something between the server and \(host) does not like it.")
        case .shortage:
            return failed(
                502, "The server is out of connections", "It has as many as its system lets it have.",
                "Try again in a moment; whoever runs it can raise its limits.")
        }
    }
}
