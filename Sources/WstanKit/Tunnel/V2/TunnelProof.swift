import WstanBase

/// Server: whether the client of a tunnel has shown that it has the keys (protocol-v2.md section 4.5). A request may have been held
/// back, and sent, by one on the path who can read nothing: until a record of the client has opened, such a tunnel gets little.
struct TunnelProof: Equatable, Sendable {
    /// After M2, and again after the PING.
    static let patience: Duration = .seconds(10)

    enum Action: Equatable {
        case wait(until: Instant)
        /// Send a PING, and come back at the given time.
        case ping(until: Instant)
        case close
        /// There is nothing to come back for.
        case proven
    }

    private enum State: Equatable {
        /// M2 is sent. Can become: asked, proven.
        case unproven
        /// A PING is sent, too. Can become: proven.
        case asked
        case proven
    }

    private var state = State.unproven
    private var due: Instant

    /// - Parameter now: when M2 was sent.
    init(now: Instant) {
        due = now + Self.patience
    }

    var isProven: Bool { state == .proven }

    /// A record of the client has opened.
    mutating func openedRecord() { state = .proven }

    mutating func timePassed(now: Instant) -> Action {
        switch state {
        case .proven: return .proven
        case .unproven:
            guard now >= due else { return .wait(until: due) }
            state = .asked
            due = now + Self.patience
            return .ping(until: due)
        case .asked: return now < due ? .wait(until: due) : .close
        }
    }
}
