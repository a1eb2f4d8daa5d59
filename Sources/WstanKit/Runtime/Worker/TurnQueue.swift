/// Who waits for a turn: sources take turns, and each one's waiters come in their order. A value.
struct TurnQueue<Waiter> {
    private struct Line {
        var waiters: [Waiter] = []
        var first = 0
    }

    private var lines: [Party: Line] = [:]
    /// Sources with waiters, the next one first.
    private var order: [Party] = []
    private var first = 0

    var isEmpty: Bool { lines.isEmpty }

    mutating func add(_ waiter: Waiter, of source: Party) {
        if lines[source] == nil { order.append(source) }
        lines[source, default: Line()].waiters.append(waiter)
    }

    mutating func next() -> Waiter? {
        guard first < order.count else { return nil }
        let source = order[first]
        first += 1
        if first > 64, first > order.count / 2 {
            order.removeFirst(first)
            first = 0
        }
        // Taken out, so that changing it does not copy.
        guard var line = lines.removeValue(forKey: source) else { return nil }
        let waiter = line.waiters[line.first]
        line.first += 1
        if line.first < line.waiters.count {
            if line.first > 64, line.first > line.waiters.count / 2 {
                line.waiters.removeFirst(line.first)
                line.first = 0
            }
            lines[source] = line
            order.append(source)
        }
        return waiter
    }
}
