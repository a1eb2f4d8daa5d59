import WstanBase

/// What requests of version 2 to one server ride in with `carrier = auto` (protocol-v2.md section 4.2), as a value: what
/// came of requests goes in, what to do comes out.
///
/// A refusal says the same of a wrong key, a wrong clock and a front that has removed what the request rode in. So the
/// other carriers are tried, each by one empty request, but not after each refusal: a wrong key would make three requests
/// of one.
///
/// A carrier that has worked is left after some refusals in a row. It is no proof for ever: a front may be changed, and one
/// who stands on the path, without any key, can put a request into another carrier for once.
struct CarrierChoice: Sendable, Equatable {
    /// What a refusal calls for.
    enum Action: Sendable, Equatable {
        /// Nothing: it stands.
        case accept
        /// A try of each of these, in this order; `searchEnded` is to be called.
        case search([RequestCarrier])
        /// The end of the search of another request.
        case wait
        /// Another request: meanwhile another carrier was found.
        case askAgain
    }

    /// In a row, until a carrier that has worked is doubted: a refusal before is a refusal.
    static let refusalsToDoubt = 3
    /// From the end of a search that has found nothing to the next; each pause is twice as long as the one before.
    static let firstPause: Duration = .seconds(1)
    static let longestPause: Duration = .seconds(300)

    /// What the next request rides in.
    private(set) var carrier = RequestCarrier.cookie
    private(set) var isSearching = false
    /// By which requests came to ride in it; nil: they began with it.
    private(set) var change: CarrierChange?
    /// What the search is about.
    private var refusal: DialFailure?
    /// A tunnel was opened, in this network and with this key.
    private var hasWorked = false
    /// Since the last success.
    private var refusals = 0
    /// The last one; nil after a success.
    private var pause: Pause?

    private struct Pause: Equatable {
        var length: Duration
        var until: Instant
    }

    /// A request has opened a tunnel.
    ///
    /// - Returns: that later ones ride in another carrier than those before; nil: they do not.
    mutating func succeeded(_ carrier: RequestCarrier) -> CarrierChange? {
        begin()
        hasWorked = true
        defer { refusal = nil }
        guard carrier != self.carrier else { return nil }
        change = CarrierChange(former: self.carrier, carrier: carrier, refusal: refusal)
        self.carrier = carrier
        return change
    }

    /// A request was answered as if it had not arrived as it was sent.
    mutating func refused(_ carrier: RequestCarrier, _ failure: DialFailure, _ now: Instant) -> Action {
        guard carrier == self.carrier else { return .askAgain }
        if isSearching { return .wait }
        refusals += 1
        if hasWorked, refusals < Self.refusalsToDoubt { return .accept }
        if let pause, now < pause.until { return .accept }
        isSearching = true
        refusal = failure
        return .search(RequestCarrier.allCases.filter { $0 != carrier })
    }

    /// - Parameter hasFound: one has worked, of which `succeeded` has told.
    mutating func searchEnded(hasFound: Bool, _ now: Instant) {
        isSearching = false
        guard !hasFound else { return }
        let length = pause.map { min($0.length * 2, Self.longestPause) } ?? Self.firstPause
        pause = Pause(length: length, until: now + length)
    }

    /// The network or the key is another, or someone has asked for it: what was found out stays the first choice, and is left at
    /// the first refusal.
    mutating func begin() {
        hasWorked = false
        refusals = 0
        pause = nil
    }
}
