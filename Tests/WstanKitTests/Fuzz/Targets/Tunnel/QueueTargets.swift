@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// Timers against a sorted list: each fires once, when it is due, unless it was cancelled.
    static let timers = FuzzTarget("timers", seeds: [[0, 5, 0, 3, 2, 4, 1, 0, 2, 200], [0, 0, 0, 0, 0, 0, 2, 0]]) {
        input in
        var timers = Timers()
        var pending: [Int: (deadline: Instant, id: Timers.ID)] = [:]
        var now = Instant(nanoseconds: 0)
        var last = 0
        let fired = FiredTimers()
        while !input.isOver {
            switch input.below(3) {
            case 0:
                last += 1
                let deadline = now + .nanoseconds(Int(input.byte()))
                pending[last] = (deadline, timers.schedule(at: deadline) { [last] in fired.latest = last })
            case 1:
                let number = 1 + input.below(max(last, 1) % 255 + 1)
                if let timer = pending.removeValue(forKey: number) { timers.cancel(timer.id) }
            default:
                now = now + .nanoseconds(Int(input.byte()))
                while let action = timers.popDue(at: now) {
                    let earliest = pending.values.map(\.deadline).min()
                    action()
                    let timer = pending.removeValue(forKey: fired.latest)
                    require(timer != nil && timer?.deadline == earliest, "the earliest that stands, once")
                    require(timer.map { $0.deadline <= now } ?? false, "not too early")
                }
                require(pending.values.allSatisfy { $0.deadline > now }, "none is forgotten")
            }
            require(timers.next() == pending.values.map(\.deadline).min(), "the earliest is next")
            require(timers.isEmpty == pending.isEmpty, "empty when nothing stands")
        }
    }

    /// Work of several peers: every one of them in its order, none above its share, all of it in the end.
    static let fairQueue = FuzzTarget(
        "fair-queue", seeds: [[4, 0, 1, 0, 2, 1, 1, 2, 0], [1, 0, 0, 0, 0, 1, 2, 0, 1]]
    ) { input in
        let slots = 1 + input.below(8)
        var queue = FairQueue<Int>(slots: slots)
        var waiting: [UInt8: [Int]] = [:]
        var running: [UInt8] = []
        var last = 0
        func runNext() -> Bool {
            let free = slots - running.count
            guard let (work, asker) = queue.next(), case .key(let key) = asker.holder else { return false }
            let name = UInt8(truncatingIfNeeded: key)
            let own = running.count { $0 == name }
            require(free > 0 && (own == 0 || own < free), "none above its share")
            require(waiting[name]?.first == work, "in its order")
            waiting[name]?.removeFirst()
            running.append(name)
            return true
        }
        while !input.isOver {
            switch input.below(3) {
            case 0:
                let peer = UInt8(input.below(5))
                last += 1
                let isAdded = queue.add(last, for: Asker(.key(UInt64(peer))))
                require(isAdded == ((waiting[peer]?.count ?? 0) < FairQueue<Int>.maxWaiting), "bounded")
                if isAdded { waiting[peer, default: []].append(last) }
            case 1:
                let hasRunnable = queue.hasRunnable
                require(runNext() == hasRunnable, "what is said to run runs")
            default:
                guard !running.isEmpty else { continue }
                queue.finished(for: Asker(.key(UInt64(running.remove(at: input.below(running.count))))))
            }
        }
        repeat {
            while let peer = running.popLast() { queue.finished(for: Asker(.key(UInt64(peer)))) }
        } while runNext()
        require(waiting.values.allSatisfy { $0.isEmpty }, "all of it in the end")
    }
}

private final class FiredTimers {
    var latest = 0
}
