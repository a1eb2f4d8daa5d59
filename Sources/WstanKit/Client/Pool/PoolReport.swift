/// What there is to say of a client's pool at one moment.
package struct PoolReport: Sendable, Equatable {
    /// Most idle tunnels that are kept.
    package var size = 0
    package var idle = 0
    /// Being opened.
    package var opening = 0
    /// Connections that went on a tunnel which was there.
    package var hits: UInt64 = 0
    /// Those for which one had to be opened.
    package var misses: UInt64 = 0
    /// Of associations and forwards, whether they went through a tunnel or not.
    package var droppedDatagrams: UInt64 = 0
    /// Answers that something else than the server has given in its place.
    package var impostors: UInt64 = 0
    /// Answers 101 that no proof of the server followed.
    package var unproven: UInt64 = 0
    /// To the server, as TCP measures it on the tunnels that are open; nil without any.
    package var roundTrip: Duration?

    package static func + (a: PoolReport, b: PoolReport) -> PoolReport {
        PoolReport(
            size: a.size + b.size, idle: a.idle + b.idle, opening: a.opening + b.opening, hits: a.hits &+ b.hits,
            misses: a.misses &+ b.misses, droppedDatagrams: a.droppedDatagrams &+ b.droppedDatagrams,
            impostors: a.impostors &+ b.impostors, unproven: a.unproven &+ b.unproven,
            roundTrip: [a.roundTrip, b.roundTrip].compactMap { $0 }.min())
    }
}

extension TunnelPool {
    var report: PoolReport {
        PoolReport(
            size: machine.size, idle: machine.count, opening: machine.openingCount, hits: hits, misses: misses,
            droppedDatagrams: droppedDatagrams, impostors: impostors, unproven: unproven,
            roundTrip: tunnels.values.lazy.map(\.stream.roundTrip).filter { $0 > .zero }.min())
    }
}
