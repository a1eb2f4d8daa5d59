import WstanBase

/// Whether nothing new is taken on, and who waits until the rest has finished. Confined to its worker.
final class Draining: @unchecked Sendable {
    private let worker: Worker
    private(set) var isOn = false
    private var waiting: [Wait<Void>] = []

    init(worker: Worker) {
        self.worker = worker
    }

    func begin() {
        isOn = true
    }

    /// New things are taken on again; nobody waits any more.
    func end() {
        isOn = false
        wake()
    }

    /// Nothing is left.
    func finish() {
        if isOn { wake() }
    }

    /// Ends when nothing is left, when this has ended, or at the deadline. To be asked for before `finish`.
    func wait(until deadline: Instant?) async {
        guard isOn else { return }
        let wait = Wait<Void>(worker: worker)
        waiting.append(wait)
        await wait.value(deadline: deadline, onTimeout: (), onCancel: ())
        waiting.removeAll { $0 === wait }
    }

    private func wake() {
        let woken = waiting
        waiting = []
        for wait in woken { wait.fulfill(()) }
    }
}
