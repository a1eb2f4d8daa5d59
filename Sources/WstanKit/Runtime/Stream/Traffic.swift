/// Bytes in both directions.
struct Traffic: Sendable, Equatable {
    var received: UInt64 = 0
    var sent: UInt64 = 0

    static func + (a: Traffic, b: Traffic) -> Traffic {
        Traffic(received: a.received &+ b.received, sent: a.sent &+ b.sent)
    }
}
