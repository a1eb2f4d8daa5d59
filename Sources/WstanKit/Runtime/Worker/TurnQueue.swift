import WstanBase

/// Who waits for a turn: sources take turns, and each one's waiters come in their order. A value.
///
/// A source of which none waited has its first turn before those that have had one and wait on: so one that comes now and then
/// is served at once, however many others flood (RFC 8290 section 4.2 does the like for packets). One turn of eight is of
/// those that wait on, so that new sources without end do not keep them out.
struct TurnQueue<Waiter> {
    private var lines: [Party: Fifo<Waiter>] = [:]
    /// Sources with waiters that have had no turn since the first of them came.
    private var fresh = Fifo<Party>()
    /// Other sources with waiters.
    private var known = Fifo<Party>()
    /// Turns of fresh sources since the last one of another.
    private var freshTurns = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func add(_ waiter: Waiter, of source: Party) {
        if lines[source] == nil { fresh.append(source) }
        lines[source, default: Fifo()].append(waiter)
        count += 1
    }

    mutating func next() -> Waiter? {
        // Taken out, so that changing it does not copy.
        guard let source = nextSource(), var line = lines.removeValue(forKey: source) else { return nil }
        count -= 1
        let waiter = line.popFirst()
        if !line.isEmpty {
            lines[source] = line
            known.append(source)
        }
        return waiter
    }

    private mutating func nextSource() -> Party? {
        let isFresh = !fresh.isEmpty && (freshTurns < 7 || known.isEmpty)
        freshTurns = isFresh ? freshTurns + 1 : 0
        return isFresh ? fresh.popFirst() : known.popFirst()
    }

    /// - Parameter most: how many may wait in all.
    /// - Returns: whether another one of `source` may wait: when there are others, none may have more than an eighth of what is
    ///   left, so that there is room for a new source (Choudhury and Hahne's dynamic thresholds).
    func hasRoom(for source: Party, most: Int) -> Bool {
        guard let own = lines[source]?.count, own < count else { return true }
        return own < max(1, (most - count) / 8)
    }
}
