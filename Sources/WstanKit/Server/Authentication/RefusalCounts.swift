/// How many requests, targets and datagrams a server has refused, by cause.
struct RefusalCounts: Equatable, Sendable {
    /// Seen before.
    var replay = 0
    /// Its time is too far from ours.
    var expired = 0
    /// Its tag fits no key.
    var badAuthentication = 0
    /// The key is right and the rest is not. What is no request at all, as from a browser or a scanner, does not count.
    var malformed = 0
    /// The rules forbid the target.
    var forbiddenTarget = 0
    /// By a limit on tunnels, handshakes, memory or remembered requests.
    var overLimit = 0
    /// For want of room.
    var droppedDatagrams = 0

    mutating func count(_ refusal: Refusal) {
        switch refusal {
        case .notARequest, .silent, .tls, .timedOut, .draining: break
        case .wire(let error): count(error)
        case .overLimit: overLimit += 1
        }
    }

    mutating func count(_ error: WireError) {
        switch error {
        case .replayed: replay += 1
        case .expired: expired += 1
        case .badAuthentication: badAuthentication += 1
        case .malformed, .sealedForOtherScheme, .tooLarge, .unexpectedCommand: malformed += 1
        }
    }

    static func + (a: RefusalCounts, b: RefusalCounts) -> RefusalCounts {
        RefusalCounts(
            replay: a.replay + b.replay, expired: a.expired + b.expired,
            badAuthentication: a.badAuthentication + b.badAuthentication, malformed: a.malformed + b.malformed,
            forbiddenTarget: a.forbiddenTarget + b.forbiddenTarget, overLimit: a.overLimit + b.overLimit,
            droppedDatagrams: a.droppedDatagrams + b.droppedDatagrams)
    }
}
