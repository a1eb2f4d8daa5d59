import WstanBase

/// How much early data requests to one server carry, as a value: what came of requests goes in. A front may bound the
/// heads of requests; then one without early data opens a tunnel, and one with much of it does not (protocol-v2.md
/// section 4.2). Of version 1 the same is true.
struct EarlyDataLimit: Sendable, Equatable {
    /// Behind such a front, in bytes.
    static let lowered = 512
    /// A front may be configured anew: after this time longer requests are tried again.
    static let trust: Duration = .seconds(24 * 3600)

    private var loweredUntil: Instant?

    /// What the next request carries at most.
    func most(_ now: Instant) -> Int {
        if let loweredUntil, now < loweredUntil { Self.lowered } else { WireLimits.earlyData }
    }

    /// A request with more was refused, and then one with no more than `lowered` has opened a tunnel.
    ///
    /// - Returns: whether that is news.
    mutating func lower(_ now: Instant) -> Bool {
        defer { loweredUntil = now + Self.trust }
        return loweredUntil == nil
    }
}

/// The driver of `EarlyDataLimit`.
extension Dialer {
    /// What the next request to a server carries at most.
    func mostEarlyData(for number: Int) -> Int {
        servers.links.link(servers.firstMark + number).earlyData.most(worker.now)
    }

    /// See `EarlyDataLimit.lower`.
    func lowerEarlyData(for number: Int) {
        let isNews = servers.links.change(servers.firstMark + number) { [worker] in $0.earlyData.lower(worker.now) }
        if isNews == true { pool.log.earlyDataLowered(to: EarlyDataLimit.lowered, for: servers.endpoints[number]) }
    }
}

extension DialFailure {
    /// Whether a front may have refused the request for its length: most say so, and some answer a 400 like any other.
    var mayBeLength: Bool {
        guard case .refused(let answer) = bare else { return false }
        return answer.saysTooLong || answer.status == 400 && answer.complaint == nil
    }
}

extension UpgradeAnswer {
    /// Whether the request is called too long. 494 is nginx's own word, which it says only where it is told to.
    var saysTooLong: Bool { complaint == .tooLarge || [413, 414, 431, 494].contains(status) }
}
