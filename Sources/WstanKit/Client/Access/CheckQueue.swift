import WstanBase

/// In which order passwords are checked, and how many at once, as a value.
///
/// Each name has a line of its own with each client, so one who guesses holds up only the name that they guess, and there
/// the right password has its turn after those that came before it. A check that has failed keeps its place for a pause,
/// which grows with the failures: guesses become slow, whatever the guesser does meanwhile. Whether a name exists is not
/// asked here, so nothing of this tells.
struct CheckQueue<Work> {
    /// Whose checks stand in one line.
    struct Line: Hashable, Sendable {
        /// A user of this host, or another host.
        let client: Party
        let name: Fingerprint
    }

    /// Checks of one line that run, or have failed a moment ago.
    static var places: Int { 8 }
    /// The same of one client, whatever the names.
    static var placesOfClient: Int { 32 }
    /// The largest number that waits in one line, and of one client.
    static var lineLength: Int { 64 }
    static var waitingOfClient: Int { 256 }
    /// The first pause after a failure; each one after it is twice as long, up to the longest.
    static var firstPause: Duration { .milliseconds(250) }
    static var longestPause: Duration { .seconds(2) }
    /// How long after the last failure all are forgotten.
    static var memory: Duration { .seconds(60) }
    /// Lines of which something is remembered.
    static var capacity: Int { 4096 }

    private struct State {
        var waiting: [Work] = []
        var taken = 0
        var failures = 0
        var lastFailure = Instant(nanoseconds: 0)

        var isInUse: Bool { taken > 0 || !waiting.isEmpty }
    }

    private struct Client {
        var taken = 0
        var waiting = 0
    }

    private var lines: [Line: State] = [:]
    private var clients: [Party: Client] = [:]
    /// Lines in which something waits, the next one first.
    private var order: [Line] = []

    var waitingCount: Int { clients.values.reduce(0) { $0 + $1.waiting } }

    /// - Returns: false when too many wait.
    mutating func add(_ work: Work, to line: Line, now: Instant) -> Bool {
        let client = clients[line.client] ?? Client()
        var state = lines[line] ?? State()
        guard state.waiting.count < Self.lineLength, client.waiting < Self.waitingOfClient, makeRoom(for: line, now)
        else { return false }
        if state.waiting.isEmpty { order.append(line) }
        state.waiting.append(work)
        lines[line] = state
        clients[line.client, default: Client()].waiting += 1
        return true
    }

    private mutating func makeRoom(for line: Line, _ now: Instant) -> Bool {
        if lines[line] != nil || lines.count < Self.capacity { return true }
        lines = lines.filter { $0.value.isInUse || now < $0.value.lastFailure + Self.memory }
        if lines.count >= Self.capacity { lines = lines.filter { $0.value.isInUse } }
        return lines.count < Self.capacity
    }

    /// Takes the next check that may begin now; `finished` and `left` must follow.
    mutating func next() -> (work: Work, line: Line)? {
        guard let index = order.firstIndex(where: { mayBegin($0) }) else { return nil }
        let line = order.remove(at: index)
        guard var state = lines[line], !state.waiting.isEmpty else { return nil }
        let work = state.waiting.removeFirst()
        state.taken += 1
        lines[line] = state
        clients[line.client]?.waiting -= 1
        clients[line.client]?.taken += 1
        if !state.waiting.isEmpty { order.append(line) }
        return (work, line)
    }

    private func mayBegin(_ line: Line) -> Bool {
        lines[line].map { $0.taken < Self.places } ?? false
            && clients[line.client].map { $0.taken < Self.placesOfClient } ?? false
    }

    /// - Parameter isWrong: whether the password was; one that was not checked is not.
    /// - Returns: how long the check keeps its place, and its answer waits, before it leaves.
    mutating func finished(_ line: Line, isWrong: Bool, now: Instant) -> Duration {
        guard var state = lines[line] else { return .zero }
        defer { lines[line] = state }
        if !isWrong || state.lastFailure + Self.memory <= now { state.failures = 0 }
        guard isWrong else { return .zero }
        state.failures += 1
        state.lastFailure = now
        return min(Self.firstPause * (1 << min(state.failures - 1, 10)), Self.longestPause)
    }

    /// The place is free.
    mutating func left(_ line: Line) {
        lines[line]?.taken -= 1
        clients[line.client]?.taken -= 1
        if let state = lines[line], !state.isInUse, state.failures == 0 { lines[line] = nil }
        if let client = clients[line.client], client.taken == 0, client.waiting == 0 { clients[line.client] = nil }
    }
}
