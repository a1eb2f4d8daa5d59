/// Bytes in both directions.
package struct Traffic: Sendable, Equatable {
    package var received: UInt64 = 0
    package var sent: UInt64 = 0

    static func + (a: Traffic, b: Traffic) -> Traffic {
        Traffic(received: a.received &+ b.received, sent: a.sent &+ b.sent)
    }
}
