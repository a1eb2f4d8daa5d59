/// Bounds the connections that have not authenticated. When there are too many, the one that has been at it longest is
/// closed: somebody honest is through in a round trip, so a flood must come faster than that to keep him out.
/// Confined to its worker.
final class HandshakeLimiter {
    /// One had to make room.
    var whenFull: () -> Void = {}

    /// 0 is no limit.
    var capacity: Int
    private var waiting: [UInt64: Stream] = [:]
    /// In the order of their arrival; those that have left stay in it until their turn comes.
    private var order: [UInt64] = []
    private var first = 0
    private var lastNumber: UInt64 = 0

    struct Ticket {
        fileprivate let number: UInt64
    }

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { waiting.count }

    /// - Returns: the ticket to leave with.
    func enter(_ stream: Stream) -> Ticket {
        while capacity > 0, waiting.count >= capacity, closeOldest() {}
        lastNumber &+= 1
        waiting[lastNumber] = stream
        order.append(lastNumber)
        if order.count > 64 + 2 * waiting.count { compact() }
        return Ticket(number: lastNumber)
    }

    /// - Returns: false when there is none.
    @discardableResult
    func closeOldest() -> Bool {
        while first < order.count {
            let oldest = order[first]
            first += 1
            if let stream = waiting.removeValue(forKey: oldest) {
                stream.close()
                whenFull()
                return true
            }
        }
        return false
    }

    func leave(_ ticket: Ticket) {
        waiting[ticket.number] = nil
        while first < order.count, waiting[order[first]] == nil { first += 1 }
    }

    func closeAll() {
        for stream in waiting.values { stream.close() }
        waiting = [:]
    }

    private func compact() {
        order = order[first...].filter { waiting[$0] != nil }
        first = 0
    }
}
