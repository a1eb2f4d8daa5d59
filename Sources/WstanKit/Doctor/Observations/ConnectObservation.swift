import Glibc
import WstanCore

/// What came of connecting to every address of a server, or of the proxy before it.
struct ConnectObservation {
    struct Attempt {
        let address: SocketAddress
        /// How long it took, or why it failed.
        let outcome: Result<Duration, SystemError>
    }

    enum Station {
        case server
        case proxy
    }

    let station: Station
    let attempts: [Attempt]

    /// Those that failed although others did not.
    private var failures: [(address: SocketAddress, error: SystemError)] {
        attempts.compactMap { attempt in
            if case .failure(let error) = attempt.outcome { (attempt.address, error) } else { nil }
        }
    }

    private var successes: [(address: SocketAddress, took: Duration)] {
        attempts.compactMap { attempt in
            if case .success(let took) = attempt.outcome { (attempt.address, took) } else { nil }
        }
    }

    var finding: Finding {
        let successes = successes
        guard !successes.isEmpty else { return failure }
        let good = successes.map { "\($0.address) within \(HumanText.duration($0.took))" }
        let text = "\(subjectOfText) takes connections, \(good.listed())"
        // A host without IPv6 is no fault: it does not try long.
        let bad = failures.filter { !$0.error.isWithoutRoute }
        guard let first = bad.first else { return .ok("connection", text) }
        let others = bad.map { "\($0.address) not (\(SystemError.text($0.error.code)))" }.listed()
        return .warning(
            "connection", "\(text), but \(others)",
            remedy:
                "connections there may begin late: repair that address (\(Self.remedy(first.error.code, station))), "
                + "or take it out of the name's records")
    }

    private var subjectOfText: String {
        switch station {
        case .server: "the server"
        case .proxy: "the proxy on the way"
        }
    }

    private var failure: Finding {
        // What was refused says more than what no route leads to.
        let failures = failures
        guard let telling = failures.first(where: { !$0.error.isWithoutRoute }) ?? failures.first else {
            return .failed(.reach, "connection", "there is no address to connect to", remedy: "check the URI")
        }
        let texts = failures.map { "\($0.address): \(SystemError.text($0.error.code))" }
        return .failed(
            .reach, "connection", "\(subjectOfText) cannot be reached: \(texts.joined(separator: ", "))",
            remedy: Self.remedy(telling.error.code, station))
    }

    private static func remedy(_ code: Int32, _ station: Station) -> String {
        switch (ConnectCause(code: code), station) {
        case (.refused, .server):
            "nothing listens on that port, or a firewall says no: see that wstand runs there and listens on the address "
                + "that clients come to (not on 127.0.0.1), and compare the port"
        case (.refused, .proxy):
            "nothing listens on that port: check the proxy option, or HTTPS_PROXY where that is auto, and that the proxy "
                + "runs"
        case (.timedOut, .server):
            "a firewall swallows it, or the host is down: open the port at the server and at its provider, or let the "
                + "server listen on 443"
        case (.timedOut, .proxy):
            "the proxy is down or not for this network: check the proxy option, or HTTPS_PROXY where that is auto"
        case (.networkUnreachable, _):
            "no route leads there from this host: see that its network is up (ip route)"
        case (.hostUnreachable, _):
            "nobody there answers to that address: check it, and that the host is up"
        case (.reset, _):
            "something on the way cuts it: try the server on another port, such as 443"
        case (.shortage, _):
            "this host is out of descriptors: raise the limit (ulimit -n)"
        case (.nameNotFound, _), (.nameServersSilent, _), (.lookUpTimedOut, _), (.tooManyLookUps, _), (nil, _):
            "check the URI, the firewall of this host, and that wstand runs there"
        }
    }
}

extension SystemError {
    /// This host has nothing that leads there, most often no IPv6.
    fileprivate var isWithoutRoute: Bool { [ENETUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT].contains(code) }
}
