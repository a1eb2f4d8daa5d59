import WstanBase

/// What is known of a server's taking the empty request, which opens an idle tunnel. Version 0.4 refuses it, in the same
/// way in which every server refuses a wrong key or clock: so a refusal alone says nothing.
struct EmptyRequestSupport {
    private enum State {
        /// Can become: able, doubted or, when it has refused before, unable.
        case unknown(hasRefused: Bool)
        /// It has refused, and nothing else has succeeded since. It is asked again at the given time, since whatever is wrong
        /// may be put right. Can become: unknown, able.
        case doubted(until: Instant, pause: Duration)
        /// Can become: doubted, when its key or its program has changed.
        case able
        /// It has refused one that would have succeeded. It is asked again at the given time.
        case unable(until: Instant)
    }

    /// Servers are brought up to date, too.
    static let retry: Duration = .seconds(3600)
    /// The first pause of one in doubt; each one after it is twice as long, up to the longest.
    static let firstDoubt: Duration = .seconds(30)
    static let longestDoubt: Duration = .seconds(300)

    private var state = State.unknown(hasRefused: false)
    private var jitter: Jitter

    init(jitter: Jitter = .none) {
        self.jitter = jitter
    }

    /// An empty request has opened a tunnel.
    mutating func tookEmpty() {
        state = .able
    }

    /// Another request has opened a tunnel, so key, clock and path are right.
    mutating func tookRequest() {
        switch state {
        case .doubted: state = .unknown(hasRefused: true)
        case .unknown, .able, .unable: break
        }
    }

    /// A refusal may have been the key's.
    mutating func keyChanged() {
        switch state {
        case .doubted: state = .unknown(hasRefused: false)
        case .unknown, .able, .unable: break
        }
    }

    /// An empty request was not answered with a tunnel.
    ///
    /// - Parameter isClear: whether a server's answer has come. One that only hangs up may be about to end.
    /// - Returns: whether that was a refusal.
    mutating func refusedEmpty(isClear: Bool, now: Instant) -> Bool {
        switch state {
        case .unknown(let hasRefused):
            state = hasRefused ? unable(now) : doubted(for: Self.firstDoubt, now)
            return true
        case .unable:
            state = unable(now)
            return true
        case .doubted(let until, let pause):
            if until <= now { state = doubted(for: min(pause * 2, Self.longestDoubt), now) }
            return true
        case .able:
            if isClear { state = doubted(for: Self.firstDoubt, now) }
            return isClear
        }
    }

    private mutating func doubted(for pause: Duration, _ now: Instant) -> State {
        .doubted(until: now + spread(pause), pause: pause)
    }

    private mutating func unable(_ now: Instant) -> State { .unable(until: now + spread(Self.retry)) }

    /// From a half of it on: a server that does not know the request is not to be asked again at once.
    private mutating func spread(_ pause: Duration) -> Duration { pause / 2 + jitter.spread(pause / 2) }

    /// Whether it has opened an idle tunnel, and nothing speaks against it since.
    var isAble: Bool { if case .able = state { true } else { false } }

    /// When one in doubt is asked again.
    var nextTry: Instant? { if case .doubted(let until, _) = state { until } else { nil } }

    func mayBeAsked(now: Instant) -> Bool {
        switch asking(now: now) {
        case .freely, .once: true
        case .no, .notBefore: false
        }
    }

    func asking(now: Instant) -> PoolMachine.Asking {
        switch state {
        case .unknown: .once
        case .doubted(let until, _): until <= now ? .once : .no
        case .able: .freely
        case .unable(let until): until <= now ? .once : .notBefore(until)
        }
    }
}
