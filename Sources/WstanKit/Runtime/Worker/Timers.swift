import WstanBase

/// What is to be done at some time: a heap by deadline. Cancelling only forgets the action; a heap entry whose action
/// is gone means nothing when its time comes.
package struct Timers {
    package struct ID: Hashable {
        fileprivate let slot: Int
        fileprivate let number: UInt64
    }

    private struct Entry {
        let deadline: Instant
        let id: ID
    }

    /// Where an action is kept; several pass through it, each with a number of its own. A dictionary would hash three
    /// times for each timer.
    private struct Slot {
        var number: UInt64
        var action: (() -> Void)?
    }

    private var heap: [Entry] = []
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var lastNumber: UInt64 = 0

    private var count: Int { slots.count - freeSlots.count }

    var isEmpty: Bool { count == 0 }

    mutating func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> ID {
        lastNumber &+= 1
        let slot = Slot(number: lastNumber, action: action)
        let id: ID
        if let free = freeSlots.popLast() {
            id = ID(slot: free, number: lastNumber)
            slots[free] = slot
        } else {
            id = ID(slot: slots.count, number: lastNumber)
            slots.append(slot)
        }
        heap.append(Entry(deadline: deadline, id: id))
        siftUp(heap.count - 1)
        return id
    }

    mutating func cancel(_ id: ID) {
        _ = takeAction(of: id)
        // Short-lived connections cancel nearly every deadline they set: without this the heap would keep them all.
        if heap.count > 64, heap.count > 4 * count { compact() }
    }

    /// The earliest deadline of an action that still stands.
    mutating func next() -> Instant? {
        while let first = heap.first {
            if stands(first.id) { return first.deadline }
            removeFirst()
        }
        return nil
    }

    /// Takes the next action whose time has come.
    mutating func popDue(at now: Instant) -> (() -> Void)? {
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            if let action = takeAction(of: first.id) { return action }
        }
        return nil
    }

    private func stands(_ id: ID) -> Bool { slots[id.slot].number == id.number && slots[id.slot].action != nil }

    private mutating func takeAction(of id: ID) -> (() -> Void)? {
        guard stands(id) else { return nil }
        freeSlots.append(id.slot)
        return slots[id.slot].action.take()
    }

    private mutating func compact() {
        heap = heap.filter { stands($0.id) }
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        siftDown(0)
    }

    /// Both move the others into the hole that the entry leaves, and put it down once.
    private mutating func siftUp(_ start: Int) {
        let entry = heap[start]
        var hole = start
        while hole > 0, entry.deadline < heap[(hole - 1) / 2].deadline {
            heap[hole] = heap[(hole - 1) / 2]
            hole = (hole - 1) / 2
        }
        heap[hole] = entry
    }

    private mutating func siftDown(_ start: Int) {
        let entry = heap[start]
        var hole = start
        while true {
            var child = 2 * hole + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline { child += 1 }
            guard heap[child].deadline < entry.deadline else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = entry
    }
}
