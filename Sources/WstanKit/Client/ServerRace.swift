/// One connection's way to the first server that takes it: each server is begun when the one before has failed or has
/// used up its patience, and the first that is connected wins. Confined to its worker.
final class ServerRace: @unchecked Sendable {
    private let servers: ServerList
    private let worker: Worker
    private var waiting: ArraySlice<Int>
    /// In the order in which they were begun, those that have failed included.
    private var begun: [(number: Int, task: Task<Void, Never>, isRunning: Bool)] = []
    private var firstFailure: DialFailure?
    private var patience: Timers.ID?
    private var isOver = false
    private let outcome: Wait<Result<Uplink, DialFailure>>

    /// - Parameter candidates: at least one, in the order in which they are tried.
    init(_ servers: ServerList, _ worker: Worker, _ candidates: [Int]) {
        self.servers = servers
        self.worker = worker
        waiting = candidates[...]
        outcome = Wait(worker: worker)
    }

    func run() async -> Result<Uplink, DialFailure> {
        beginNext()
        return await outcome.value(onTimeout: .failure(.timedOut), onCancel: .failure(.timedOut))
    }

    private func beginNext() {
        stopWaiting()
        guard let number = waiting.popFirst() else { return }
        let task = worker.spawn { [self] in attempted(number, await servers.connect(to: number)) }
        begun.append((number, task, true))
        guard !waiting.isEmpty else { return }
        // The server may have been silent to others already; but whoever is asked gets a turn of the loop to refuse.
        let deadline = max(servers.patienceEnds(number), worker.now)
        patience = worker.schedule(at: deadline) { [self] in beginNext() }
    }

    private func stopWaiting() {
        if let patience { worker.cancel(patience) }
        patience = nil
    }

    private func attempted(_ number: Int, _ result: Result<Uplink, DialFailure>) {
        guard !isOver else {
            // It came second.
            if case .success(let uplink) = result { uplink.stream.close() }
            return
        }
        for index in begun.indices where begun[index].number == number { begun[index].isRunning = false }
        switch result {
        case .success:
            end(result)
        case .failure(let failure):
            firstFailure = firstFailure ?? failure
            if !waiting.isEmpty {
                beginNext()
            } else if !begun.contains(where: \.isRunning) {
                end(.failure(firstFailure ?? failure))
            }
        }
    }

    private func end(_ result: Result<Uplink, DialFailure>) {
        isOver = true
        stopWaiting()
        // One that was begun later than the winner has had no time, and is not to blame.
        var wasEarlier = true
        for (number, task, isRunning) in begun {
            if case .success(let uplink) = result, uplink.number == number { wasEarlier = false }
            guard isRunning else { continue }
            task.cancel()
            if wasEarlier { servers.overtaken(number) }
        }
        begun = []
        outcome.fulfill(result)
    }
}
