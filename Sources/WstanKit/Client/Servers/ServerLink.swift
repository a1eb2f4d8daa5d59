import WstanBase

/// What is known of reaching one server, as a value: what came of tries goes in. What is heard on tunnels that are open is
/// a report's to add.
package struct ServerLink: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        /// Nothing was tried, or what was found out no longer holds. Can become: any other.
        case untried
        /// The last try has opened a tunnel. Can become: lost.
        case reached(since: Instant)
        /// It refused to open an idle tunnel, which a server of version 0.4 does as well: a connection may work. Can become:
        /// reached, lost.
        case doubtful(since: Instant, DialFailure)
        /// The last try has failed. Can become: reached, doubtful, untried.
        case lost(since: Instant, DialFailure)

        /// But for times, and for what differs in a cause.
        func saysTheSame(as other: State) -> Bool {
            switch (self, other) {
            case (.untried, .untried), (.reached, .reached): true
            case (.doubtful(_, let a), .doubtful(_, let b)), (.lost(_, let a), .lost(_, let b)): a.code == b.code
            case (.untried, _), (.reached, _), (.doubtful, _), (.lost, _): false
            }
        }
    }

    /// What an administrator is told of, once.
    package enum Change: Sendable, Equatable {
        case lost(DialFailure)
        /// It refuses tunnels that are opened ahead of need, and nothing else was tried.
        case doubted(DialFailure)
        case back(after: Duration)
    }

    package private(set) var state = State.untried
    package private(set) var lastSuccess: Instant?
    package private(set) var lastFailure: Instant?
    /// When it was heard of last on tunnels that have ended.
    package private(set) var lastHeard: Instant?
    /// When the certificate that it has shown last ends, in seconds since the epoch.
    package private(set) var certificateEnd: Double?
    /// Since when it is lost, as far as was told.
    private var lostSince: Instant?
    /// The key that the server has called revoked, until it opens a tunnel: from then on it refuses the key without a word.
    private(set) var revokedKey: KeyID?
    /// What the server has said last of the end of the key; nil: nothing.
    package var keyTerm: KeyTerm?
    /// With `carrier = auto`.
    var carriers = CarrierChoice()
    var earlyData = EarlyDataLimit()
    /// Handshakes that were reset one after the other.
    private var resets = 0

    package init() {}

    /// A tunnel has been opened.
    ///
    /// - Parameter certificateEnd: nil without TLS.
    mutating func succeeded(certificateEnd: Double? = nil, _ now: Instant) -> Change? {
        self.certificateEnd = certificateEnd
        lastSuccess = now
        resets = 0
        revokedKey = nil
        if case .reached = state {} else { state = .reached(since: now) }
        defer { lostSince = nil }
        return lostSince.map { .back(after: now - $0) }
    }

    /// No tunnel could be opened. A reset alone says little: the same try is made again.
    mutating func failed(_ failure: DialFailure, _ now: Instant) -> Change? {
        let failure = failure.bare
        resets = failure == .reset ? resets + 1 : 0
        guard failure != .reset || resets > ClientLimits.retries else { return nil }
        let since = lostSince ?? now
        lostSince = since
        lastFailure = now
        defer { state = .lost(since: since, failure) }
        if case .lost(_, let former) = state, former.code == failure.code { return nil }
        return .lost(failure)
    }

    /// It has said that the key is revoked or has expired.
    mutating func revoked(_ key: KeyID, _ now: Instant) -> Change? {
        revokedKey = key
        keyTerm = nil
        return failed(.dismissed(.keyRevoked), now)
    }

    /// It answered a request for an idle tunnel with a refusal, and has never opened one.
    mutating func refusedIdle(_ failure: DialFailure, _ now: Instant) -> Change? {
        let failure = failure.bare
        switch state {
        // Requests for connections succeed.
        case .reached: return nil
        case .doubtful(let since, let former):
            state = .doubtful(since: since, failure)
            lastFailure = now
            return former.code == failure.code ? nil : .doubted(failure)
        case .untried, .lost:
            state = .doubtful(since: now, failure)
            lastFailure = now
            return .doubted(failure)
        }
    }

    /// The network or the key is another: what fronts let through may be so as well.
    mutating func beginWays() {
        carriers.begin()
        earlyData = EarlyDataLimit()
    }

    /// A tunnel has ended on which it was heard of then.
    mutating func heard(_ time: Instant) {
        lastHeard = max(lastHeard ?? time, time)
    }

    /// It takes connections again. Whether it opens tunnels is not known.
    mutating func answered() {
        guard case .lost(_, let failure) = state else { return }
        switch failure {
        case .unreachable, .proxyUnreachable, .overtaken: state = .untried
        case .proxyRefused, .refused, .notHTTP, .tooLargeAnswer, .unfinishedAnswer, .reset, .closed, .timedOut, .tls,
            .impostor, .unproven, .unusableServerKey, .dismissed, .at:
            break
        }
    }
}
