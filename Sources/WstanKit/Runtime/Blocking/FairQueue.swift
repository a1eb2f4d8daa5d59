/// Work of several holders for a number of slots, dealt out in turn. A holder may occupy at most half of the slots that the
/// others leave free, so a flood of one holder's names that get no answer stalls no other holder: the next one finds half
/// of the rest, and so on. In the same way each source of a holder leaves half of the holder's slots to its other sources.
struct FairQueue<Work> {
    let slots: Int
    private var holders: [Party: Holder] = [:]
    /// Holders with waiting work, the next one first.
    private var order: [Party] = []
    private var running = 0

    private struct Holder {
        var running = 0
        var sources: [Party?: Source] = [:]
        /// Sources with waiting work, the next one first.
        var order: [Party?] = []
    }

    private struct Source {
        var running = 0
        var waiting: [Work] = []
    }

    /// More of one source's work than this does not wait; it is refused.
    static var maxWaiting: Int { 256 }

    init(slots: Int) {
        self.slots = slots
    }

    /// - Returns: false when too much of the source's work is waiting.
    mutating func add(_ work: Work, for asker: Asker) -> Bool {
        var holder = holders[asker.holder] ?? Holder()
        var source = holder.sources[asker.source] ?? Source()
        guard source.waiting.count < Self.maxWaiting else { return false }
        if source.waiting.isEmpty {
            if holder.order.isEmpty { order.append(asker.holder) }
            holder.order.append(asker.source)
        }
        source.waiting.append(work)
        holder.sources[asker.source] = source
        holders[asker.holder] = holder
        return true
    }

    var hasRunnable: Bool { order.contains { nextSource(of: $0) != nil } }

    /// Takes the next work that may run now; `finished` must be called when it is done.
    mutating func next() -> (work: Work, asker: Asker)? {
        for place in order.indices {
            guard let index = nextSource(of: order[place]) else { continue }
            return take(index, place)
        }
        return nil
    }

    private mutating func take(_ index: Int, _ place: Int) -> (work: Work, asker: Asker)? {
        let key = order.remove(at: place)
        // Taken out, so that changing it does not copy.
        guard var holder = holders.removeValue(forKey: key) else { return nil }
        let name = holder.order.remove(at: index)
        guard var source = holder.sources[name], !source.waiting.isEmpty else { return nil }
        let work = source.waiting.removeFirst()
        source.running += 1
        holder.running += 1
        running += 1
        if !source.waiting.isEmpty { holder.order.append(name) }
        if !holder.order.isEmpty { order.append(key) }
        holder.sources[name] = source
        holders[key] = holder
        return (work, Asker(key, from: name))
    }

    mutating func finished(for asker: Asker) {
        guard var holder = holders.removeValue(forKey: asker.holder) else { return }
        holder.running -= 1
        running -= 1
        if var source = holder.sources[asker.source] {
            source.running -= 1
            holder.sources[asker.source] = source.running == 0 && source.waiting.isEmpty ? nil : source
        }
        if !holder.sources.isEmpty { holders[asker.holder] = holder }
    }

    /// The place of the holder's next source whose work may run now.
    private func nextSource(of key: Party) -> Int? {
        guard let holder = holders[key] else { return nil }
        let share = FairShare(free: slots - running, holder: holder.running)
        guard share.isOpen else { return nil }
        return holder.order.firstIndex { share.admits(source: holder.sources[$0]?.running ?? 0, isDivided: $0 != nil) }
    }
}

/// What one holder may still have of something that is shared out: half of what the others leave free, and each of its
/// sources half of what its others leave of that. One is enough to begin with, as long as there is one.
struct FairShare {
    /// That nobody has.
    let free: Int
    /// That the holder has already.
    let holder: Int

    var isOpen: Bool { free > 0 && (holder == 0 || holder < free) }

    /// - Parameters:
    ///   - source: what the source has already.
    ///   - isDivided: whether the holder has sources at all.
    func admits(source: Int, isDivided: Bool = true) -> Bool {
        guard isOpen else { return false }
        let left = (free + holder + 1) / 2 - holder
        return !isDivided || source == 0 || source < left
    }
}
