import WstanBase

/// What a client is told of a target that it does not get.
///
/// Of a name that leads only to forbidden addresses it is told what it would be told if the name did not lead there, and after
/// the same time: otherwise anybody with a key could find out which names there are inside. The log tells them apart.
struct ToldFailure {
    let reset: Reset
    private let isOfLookUp: Bool

    init(_ failure: Connector.Failure, of target: Address) {
        switch failure {
        case .forbidden(let key):
            reset = .forbidden(key: key)
            isOfLookUp = false
        case .leadsToForbidden(_, let told):
            reset = .unreachable(target, told.text)
            isOfLookUp = told == .notFound || told == .unavailable
        case .lookUp(let failure):
            reset = .unreachable(target, failure.text)
            isOfLookUp = failure == .notFound || failure == .unavailable
        case .connect, .tooMany:
            reset = .unreachable(target, failure.description)
            isOfLookUp = false
        }
    }

    /// Most look-ups take less, those that fail too.
    static let firstTime: Duration = .milliseconds(100)

    /// A name server of one's own, or a file, answers sooner than those of the world. So what came of a look-up is told at
    /// the first of a few times that is not over: after 100 ms, 200, 400 or 800.
    ///
    /// - Returns: nil for what is told at once.
    func time(since began: Instant, now: Instant) -> Instant? {
        guard isOfLookUp else { return nil }
        return (0...3).lazy.map { began + Self.firstTime * (1 << $0) }.first { $0 >= now }
    }
}

extension Connector.Failure {
    /// The key of the configuration that refuses, if one does.
    var forbiddingKey: String? {
        switch self {
        case .forbidden(let key), .leadsToForbidden(let key, _): key
        case .lookUp, .connect, .tooMany: nil
        }
    }
}
