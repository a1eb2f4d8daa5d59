import Glibc
import WstanCore

/// Where the way of a client leads first.
enum Station {
    case server
    /// On the way to the server.
    case proxy

    /// - Parameter onLoopback: whether it is to be on this host.
    func cannotBeReached(_ failure: Connector.Failure, onLoopback: Bool = false) -> DialFailure {
        switch self {
        case .server: .unreachable(failure, onLoopback: onLoopback)
        case .proxy: .proxyUnreachable(failure)
        }
    }
}

/// What came of connecting to every address of a server, or of the proxy before it.
struct ConnectObservation {
    struct Attempt {
        let address: SocketAddress
        /// How long it took, or why it failed.
        let outcome: Result<Duration, SystemError>
    }

    let station: Station
    let attempts: [Attempt]

    private var isOnLoopback: Bool { attempts.allSatisfy(\.address.isLoopback) }

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
        let text = "\(station == .server ? "the server" : "the proxy on the way") accepts connections: \(good.listed())"
        // A host without IPv6 is no fault: it does not try long.
        let bad = failures.filter { !$0.error.isWithoutRoute }
        guard let first = bad.first else { return .ok("connection", text) }
        let others = bad.map { "\($0.address) not (\(SystemError.text($0.error.code)))" }.listed()
        return .warning(
            "connection", "\(text), but \(others)",
            remedy:
                "connections may be delayed: repair that address, or remove it from the name's records; "
                + station.cannotBeReached(.connect(first.error), onLoopback: isOnLoopback).advice)
    }

    private var failure: Finding {
        // What was refused says more than what no route leads to.
        let failures = failures
        guard let telling = failures.first(where: { !$0.error.isWithoutRoute }) ?? failures.first else {
            return .failed(.reach, "connection", "there is no address to connect to", remedy: "check the URI")
        }
        let said = station.cannotBeReached(.connect(telling.error), onLoopback: isOnLoopback)
        let addresses = failures.map { "\($0.address): \(SystemError.text($0.error.code))" }
        return .failed(
            .reach, "connection", "\(said.cause) (\(addresses.joined(separator: ", ")))", remedy: said.advice)
    }
}

extension SystemError {
    /// This host has nothing that leads there, most often no IPv6.
    fileprivate var isWithoutRoute: Bool { [ENETUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT].contains(code) }
}
