/// What is to be done at some time: a heap by deadline. Cancelling only forgets the action; a heap entry whose action
/// is gone means nothing when its time comes.
struct Timers {
    struct ID: Hashable {
        fileprivate let number: UInt64
    }

    private struct Entry {
        let deadline: Instant
        let number: UInt64
    }

    private var heap: [Entry] = []
    private var actions: [UInt64: () -> Void] = [:]
    private var lastNumber: UInt64 = 0

    var isEmpty: Bool { actions.isEmpty }

    mutating func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> ID {
        lastNumber &+= 1
        actions[lastNumber] = action
        heap.append(Entry(deadline: deadline, number: lastNumber))
        siftUp(heap.count - 1)
        return ID(number: lastNumber)
    }

    mutating func cancel(_ id: ID) {
        actions.removeValue(forKey: id.number)
        // Short-lived connections cancel nearly every deadline they set: without this the heap would keep them all.
        if heap.count > 64, heap.count > 4 * actions.count { compact() }
    }

    /// The earliest deadline of an action that still stands.
    mutating func next() -> Instant? {
        while let first = heap.first {
            if actions[first.number] != nil { return first.deadline }
            removeFirst()
        }
        return nil
    }

    /// Takes the next action whose time has come.
    mutating func popDue(at now: Instant) -> (() -> Void)? {
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            if let action = actions.removeValue(forKey: first.number) { return action }
        }
        return nil
    }

    private mutating func compact() {
        heap = heap.filter { actions[$0.number] != nil }
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0, heap[index].deadline < heap[(index - 1) / 2].deadline {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].deadline < heap[least].deadline { least = child }
            }
            if least == index { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
