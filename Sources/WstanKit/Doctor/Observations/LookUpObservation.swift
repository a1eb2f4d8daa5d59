import WstanCore

/// What came of looking up a name, one family of addresses at a time as a client does it.
struct LookUpObservation {
    typealias Answer = Result<[SocketAddress], Resolver.Failure>

    let name: String
    let ipv6: Answer
    let ipv4: Answer
    let took: Duration
    /// Whose name it is.
    var station = Station.server

    /// A cache answers at once, and a name server beyond the sea within half a second.
    static let slow: Duration = .seconds(1)

    var addresses: [SocketAddress] {
        [ipv6, ipv4].flatMap { (try? $0.get()) ?? [] }
    }

    var finding: Finding {
        let found = addresses
        guard !found.isEmpty else { return failure }
        let hosts = found.map { address in
            switch address {
            case .ipv4(let address, _): "\(address)"
            case .ipv6(let address, _, _): "\(address)"
            }
        }
        let text = "\(name) is \(hosts.joined(separator: ", ")), looked up within \(HumanText.duration(took))"
        if let silent = silentFamily {
            return .warning(
                "name", "\(text), and the name servers say nothing about its \(silent) addresses",
                remedy: "look at the name servers in /etc/resolv.conf: another one may answer both")
        }
        guard took < Self.slow else {
            return .warning(
                "name", "\(text), which is slow",
                remedy: "look at the name servers in /etc/resolv.conf: the first of them may be dead")
        }
        return .ok("name", text)
    }

    /// The family for which no answer came, though the other one has one.
    private var silentFamily: String? {
        func isSilent(_ answer: Answer) -> Bool {
            switch answer {
            case .failure(.unavailable), .failure(.timedOut): true
            case .failure(.notFound), .failure(.cancelled), .failure(.tooMany), .failure(.shortage), .success: false
            }
        }
        if isSilent(ipv6) { return "IPv6" }
        return isSilent(ipv4) ? "IPv4" : nil
    }

    /// That a name server is silent says more than that the other family has nothing.
    private var failure: Finding {
        let causes = [ipv4, ipv6].compactMap { answer -> Resolver.Failure? in
            if case .failure(let failure) = answer { failure } else { nil }
        }
        let cause = causes.first { $0 != .notFound } ?? .notFound
        return .failed(
            .reach, "name", "\(name) cannot be looked up: \(cause.text)",
            remedy: station.cannotBeReached(.lookUp(cause)).advice)
    }
}
