import WstanBase

/// Which of the connections that have not said yet what they want may stay, and when another may come in: a value.
///
/// A crowd of honest clients comes at once when something has restarted, and a flood of strangers looks the same at first. What
/// tells them apart is who waits for whom. A connection for which this end has something to do is never closed. One that
/// this end waits for gives way after a moment if it has said nothing, since an honest one speaks at once, and after a
/// second otherwise; so does one whose request costs so much that it is judged last. When none of them may be closed,
/// nothing is accepted, and who comes next waits in the backlog.
package struct HandshakeQueue {
    package struct Ticket: Hashable, Sendable {
        /// Its own until it has left.
        let slot: Int
        fileprivate let number: UInt64
    }

    package struct Entry {
        package let ticket: Ticket
        /// These have given way, and are to be closed.
        package let evicted: [Ticket]
    }

    /// What this end waits for.
    package enum Awaited: Sendable {
        case firstBytes
        case moreBytes
        /// It has been answered.
        case end
        /// Nothing: its work comes behind that of others.
        case turn
    }

    /// A handshake that is younger is not closed to make room for another.
    package static let youth: Duration = .seconds(1)
    /// How long a connection that has sent nothing stays: the first bytes come right behind the connection itself.
    package static let silence: Duration = .milliseconds(250)

    private struct Place {
        let number: UInt64
        let arrived: Instant
        /// Of the wait for the peer, or for a turn; nil while this end has something to do.
        var wait: UInt64?
        /// In `patient`.
        var isPatient = false
    }

    private struct Wait {
        let number: UInt64
        let ticket: Ticket
        /// From then on it may be ended.
        let end: Instant
    }

    /// 0 is no limit.
    package var capacity: Int
    package private(set) var count = 0
    /// By slot: each connection comes here several times, and a dictionary would cost it more than all the rest.
    private var places: [Place?] = []
    private var freeSlots: [Int] = []
    /// Those whose work comes behind that of others, the first one first; some may have left.
    private var patient: [Ticket] = []
    /// A heap by end; those that are over stay in it until their turn comes.
    private var waits: [Wait] = []
    private var lastNumber: UInt64 = 0

    package init(capacity: Int) {
        self.capacity = capacity
    }

    /// Whether another may be accepted; else it waits in the backlog, and this is asked again a little later.
    ///
    /// - Parameter most: that there may be for now; nil: as many as ever.
    package mutating func hasRoom(now: Instant, most: Int? = nil) -> Bool {
        let most = most ?? capacity
        return most == 0 || count < most || overdue(now) != nil
    }

    /// Takes one that has been accepted, in any case.
    package mutating func enter(now: Instant, most: Int? = nil) -> Entry {
        let most = most ?? capacity
        var evicted: [Ticket] = []
        while most > 0, count >= most, let ticket = overdue(now) {
            leave(ticket)
            evicted.append(ticket)
        }
        lastNumber &+= 1
        let ticket = Ticket(slot: freeSlots.popLast() ?? places.count, number: lastNumber)
        if ticket.slot == places.count { places.append(nil) }
        places[ticket.slot] = Place(number: lastNumber, arrived: now)
        count += 1
        return Entry(ticket: ticket, evicted: evicted)
    }

    /// The peer has to go on. Means nothing for one that has left.
    package mutating func wait(for awaited: Awaited, of ticket: Ticket, now: Instant) {
        guard let place = place(of: ticket) else { return }
        lastNumber &+= 1
        places[ticket.slot]?.wait = lastNumber
        let end =
            switch awaited {
            case .firstBytes: now + Self.silence
            case .moreBytes, .turn: place.arrived + Self.youth
            case .end: now
            }
        if waits.count > 64 + 2 * count { compact() }
        add(Wait(number: lastNumber, ticket: ticket, end: end))
    }

    /// Its work is to come behind that of others. At most a quarter of the places wait so; the one that has done so for longest
    /// gives way to it, once it has had its second.
    ///
    /// - Returns: whether it may wait, and which one is to be closed for it.
    package mutating func waitForTurn(of ticket: Ticket, now: Instant) -> (mayWait: Bool, evicted: Ticket?) {
        guard contains(ticket) else { return (false, nil) }
        var evicted: Ticket?
        if places[ticket.slot]?.isPatient == false {
            if capacity > 0, patient.count >= max(1, capacity / 4) {
                patient = patient.filter { contains($0) }
                if patient.count >= max(1, capacity / 4) {
                    guard let first = patient.first, let arrived = place(of: first)?.arrived, arrived + Self.youth <= now
                    else { return (false, nil) }
                    patient.removeFirst()
                    leave(first)
                    evicted = first
                }
            }
            places[ticket.slot]?.isPatient = true
            patient.append(ticket)
        }
        wait(for: .turn, of: ticket, now: now)
        return (true, evicted)
    }

    /// The peer has sent something, or its turn has come.
    package mutating func goOn(_ ticket: Ticket) {
        if contains(ticket) { places[ticket.slot]?.wait = nil }
    }

    package func contains(_ ticket: Ticket) -> Bool { place(of: ticket) != nil }

    /// - Returns: false when it has left already, or had to give way.
    @discardableResult
    package mutating func leave(_ ticket: Ticket) -> Bool {
        guard contains(ticket) else { return false }
        places[ticket.slot] = nil
        freeSlots.append(ticket.slot)
        count -= 1
        return true
    }

    private func place(of ticket: Ticket) -> Place? {
        guard let place = places[ticket.slot], place.number == ticket.number else { return nil }
        return place
    }

    /// The connection that could have been ended for longest.
    private mutating func overdue(_ now: Instant) -> Ticket? {
        while let first = waits.first {
            if stands(first) { return first.end <= now ? first.ticket : nil }
            removeFirst()
        }
        return nil
    }

    private func stands(_ wait: Wait) -> Bool { place(of: wait.ticket)?.wait == wait.number }

    // MARK: The heap

    private mutating func compact() {
        let standing = waits.filter { stands($0) }
        waits = []
        for wait in standing { add(wait) }
    }

    private mutating func add(_ wait: Wait) {
        waits.append(wait)
        var place = waits.count - 1
        while place > 0, waits[place].end < waits[(place - 1) / 2].end {
            waits.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func removeFirst() {
        waits.swapAt(0, waits.count - 1)
        waits.removeLast()
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < waits.count else { return }
            if child + 1 < waits.count, waits[child + 1].end < waits[child].end { child += 1 }
            guard waits[child].end < waits[place].end else { return }
            waits.swapAt(place, child)
            place = child
        }
    }
}
