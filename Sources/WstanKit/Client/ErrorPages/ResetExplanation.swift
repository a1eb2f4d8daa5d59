import WstanBase

/// What the server's reset, the only thing that came back, means to a person.
extension Reset {
    /// - Parameter host: the target's.
    func explanation(of host: String, _ target: Address?) -> Explanation {
        if let key = forbiddingKey { return forbidden(host, by: key) }
        if isUnreachable {
            guard let cause = ConnectCause(text: detail) else {
                return Explanation(
                    502, "The server cannot connect to \(host)", "The server says why:",
                    advice: ["Try again. If it fails again, look at the server's log."], hop: .serverToTarget,
                    quoting: detail.isEmpty ? reason : detail)
            }
            return cause.explanation(of: host, target, triedBy: .server)
        }
        if isNormal {
            return Explanation(
                502, "\(host) did not answer", "It accepted the connection and closed it without an answer.",
                advice: ["Try again. If it fails again, another protocol may be spoken on that port: try `https://`."],
                hop: .serverToTarget)
        }
        if isBrokenConnection {
            return Explanation(
                502, "\(host) broke the connection off", "The connection was reset after the request was sent.",
                advice: ["Try again. If it fails again, possibly a firewall between the server and \(host) resets it."],
                hop: .serverToTarget)
        }
        return Explanation(
            502, "The server gave up on \(host)", "The server says why:",
            advice: ["Try again. If it fails again, look at the server's log."], hop: .serverToTarget,
            quoting: detail.isEmpty ? reason : "\(reason): \(detail)")
    }

    private func forbidden(_ host: String, by key: String) -> Explanation {
        let advice =
            switch key {
            case "allow-private":
                "It is the server itself or an address of a private network: `allow-private = yes` in the server's "
                    + "configuration allows these."
            case "allow":
                "The server has `deny = *` in its configuration and allows only the targets in `allow`: add \(host) there."
            case "deny":
                "`deny` in the server's configuration covers it."
            default:
                "A rule in the server's configuration forbids it."
            }
        return Explanation(
            403, "The server does not allow \(host)", "The rules in its configuration forbid this target.",
            advice: [advice, "The administrator of the server can change that."], hop: .serverToTarget,
            quoting: ["allow-private", "allow", "deny"].contains(key) ? nil : key)
    }
}
