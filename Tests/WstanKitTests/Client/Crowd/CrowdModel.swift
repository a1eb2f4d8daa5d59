@testable import WstanBase
@testable import WstanCore

/// What a simulation of many clients at one server assumes. Times are virtual: nothing here waits.
struct CrowdModel {
    var clients = 10_000
    /// The server is away for so long; connections are refused meanwhile.
    var outage = 2_000
    /// Tunnels that the server opens in a second: docs/performance.md, "wstan, no pool".
    var handshakes = 4_614.0
    /// Requests that it refuses in a second, and connections that it accepts without more.
    var refusals = 8_627.0
    var accepts = 50_000.0
    var backlog = 4_096
    var maxHandshakes = 1_024
    /// The server gives up on one that says nothing.
    var handshakeTimeout = 8_000
    /// A client's round trips are between these.
    var roundTrips = 20...120
    /// What clients wait for a connection, and then for an answer.
    var connectTimeout = 10_000
    var answerTimeout = 10_000
    /// When Linux sends a SYN again.
    var synAgain = [0, 1_000, 3_000, 7_000]
    /// One client in so many has a user who wants a connection, at some time within `userTime`.
    var clientsForUser = 10
    var userTime = 60_000
    /// Strangers that connect in a second, and say nothing, or send a request with a bad tag.
    var silentStrangers = 0.0
    var badStrangers = 0.0
    /// Milliseconds after which it ends.
    var limit = 3_600_000
    var seed: UInt64 = 1
}

/// What came of it. Times are milliseconds since the server went away.
struct CrowdResult {
    /// When each client's pool was full again, in order.
    var restored: [Int] = []
    /// How long users waited who were served, in order.
    var waits: [Int] = []
    /// Users who were told that the server does not answer.
    var failedUsers = 0
    var attempts = 0
    var strangersAccepted = 0
    /// The most in one second.
    var mostTunnels = 0
    var mostInBacklog = 0
    var mostHandshakes = 0
    var mostAttempts = 0

    func restored(_ share: Double) -> Int { Self.quantile(restored, share) }
    func wait(_ share: Double) -> Int { Self.quantile(waits, share) }

    private static func quantile(_ values: [Int], _ share: Double) -> Int {
        values.isEmpty ? 0 : values[min(values.count - 1, Int(Double(values.count) * share))]
    }
}

/// Events in the order of their milliseconds, and within one in the order in which they were made.
struct CrowdCalendar {
    struct Event {
        enum Kind: UInt8 {
            /// A SYN reaches the server.
            case syn
            case connected
            case connectFailed
            case answerOverdue
            /// The server's 101 reaches the client, or the end of the connection.
            case accepted
            case closed
            /// The client's pool is to be looked at again.
            case wake
            /// A user wants a connection, or tries again.
            case user
            case retry
            /// The request reaches the server.
            case request
        }

        let kind: Kind
        /// Of an attempt, a client or a ticket, by the kind.
        let number: Int
    }

    private(set) var now = 0
    private var buckets: [[Event]] = []

    /// - Parameter time: at the earliest the next millisecond.
    mutating func add(_ kind: Event.Kind, _ number: Int, at time: Int) {
        let index = max(time, now + 1)
        while buckets.count <= index { buckets.append([]) }
        buckets[index].append(Event(kind: kind, number: number))
    }

    /// Those of this millisecond.
    mutating func take() -> [Event] {
        guard now < buckets.count else { return [] }
        defer { buckets[now] = [] }
        return buckets[now]
    }

    mutating func advance() {
        now += 1
    }

    /// A time as the machines take it.
    var instant: Instant { Self.instant(now) }

    static func instant(_ milliseconds: Int) -> Instant {
        Instant(nanoseconds: 1_000_000_000_000 + UInt64(milliseconds) * 1_000_000)
    }

    /// Rounded up.
    static func milliseconds(_ instant: Instant) -> Int {
        Int((instant.nanoseconds - 1_000_000_000_000 + 999_999) / 1_000_000)
    }
}
