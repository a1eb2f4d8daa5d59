import WstanBase

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
            return cause.explanation(of: host, target, triedBy: .server)
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
}
