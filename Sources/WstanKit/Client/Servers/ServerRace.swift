import WstanBase

/// One connection's way to the first server that takes it: each server is begun when the one before has failed or has
/// used up its patience, and the first that is connected wins. Confined to its worker.
final class ServerRace: @unchecked Sendable {
    private struct Attempt {
        let number: Int
        let task: Task<Void, Never>
        var isRunning = true
    }

    /// In another network attempts are begun beside those that are under way, but not beside more than these.
    private static let mostBeside = 4

    private let servers: ServerList
    private let worker: Worker
    private let candidates: [Int]
    private var waiting: ArraySlice<Int>
    /// In the order in which they were begun, those that have failed included.
    private var begun: [Attempt] = []
    private var firstFailure: DialFailure?
    private var patience: Timers.ID?
    private var isOver = false
    private let outcome: Wait<Result<Uplink, DialFailure>>

    /// - Parameter candidates: at least one, in the order in which they are tried.
    init(_ servers: ServerList, _ worker: Worker, _ candidates: [Int]) {
        self.servers = servers
        self.worker = worker
        self.candidates = candidates
        waiting = candidates[...]
        outcome = Wait(worker: worker)
    }

    func run() async -> Result<Uplink, DialFailure> {
        beginNext()
        return await outcome.value(onTimeout: .failure(.timedOut), onCancel: .failure(.timedOut))
    }

    /// The network is another: what was begun in the former one may get no answer any more. It goes on all the same, since
    /// this one may not lead anywhere yet, and then the next change may come in time.
    func startAnew() {
        guard !isOver, begun.count(where: \.isRunning) < Self.mostBeside else { return }
        // What was found out about them is forgotten.
        waiting = candidates.sorted()[...]
        beginNext()
    }

    private func beginNext() {
        stopWaiting()
        guard let number = waiting.popFirst() else { return }
        let index = begun.count
        let task = worker.spawn { [self] in attempted(index, await servers.connect(to: number)) }
        begun.append(Attempt(number: number, task: task))
        guard !waiting.isEmpty else { return }
        // The server may have been silent to others already; but the server that is asked gets a turn of the loop to refuse.
        let deadline = max(servers.patienceEnds(number), worker.now)
        patience = worker.schedule(at: deadline) { [self] in beginNext() }
    }

    private func stopWaiting() {
        if let patience { worker.cancel(patience) }
        patience = nil
    }

    private func attempted(_ index: Int, _ result: Result<Uplink, DialFailure>) {
        guard !isOver else {
            // It came second.
            if case .success(let uplink) = result { uplink.stream.close() }
            return
        }
        begun[index].isRunning = false
        switch result {
        case .success:
            end(result, wonBy: index)
        case .failure(let failure):
            firstFailure = firstFailure ?? failure
            if !waiting.isEmpty {
                beginNext()
            } else if !begun.contains(where: \.isRunning) {
                end(.failure(firstFailure ?? failure), wonBy: nil)
            }
        }
    }

    private func end(_ result: Result<Uplink, DialFailure>, wonBy winner: Int?) {
        isOver = true
        stopWaiting()
        for (index, attempt) in begun.enumerated() where attempt.isRunning {
            attempt.task.cancel()
            // One that was begun later than the winner has had no time, and is not to blame.
            if let winner, index < winner, attempt.number != begun[winner].number { servers.overtaken(attempt.number) }
        }
        begun = []
        // Nobody may wait for it any more.
        if !outcome.fulfill(result), case .success(let uplink) = result { uplink.stream.close() }
    }
}
