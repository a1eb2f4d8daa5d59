@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// A forward's sources against a plain array in the order of use: bounded, each with one association, the one that was
    /// silent longest first.
    static let forward = FuzzTarget(
        "forward", seeds: [[2, 3, 0, 1, 0, 2, 2, 1, 0, 3, 1, 2, 3, 200, 4], [1, 0, 0, 1, 0, 2, 4]]
    ) { input in
        struct Model {
            let source: UInt8
            var isSettled = false
            var lastUsed: Instant
        }
        let capacity = 1 + input.below(8)
        let patience = Duration.seconds(Int(input.byte()))
        var machine = ForwardMachine<UInt8>(capacity: capacity, patience: patience)
        var model: [Model] = []
        var now = Instant(nanoseconds: 1)
        func use(_ source: UInt8) -> Bool {
            guard let index = model.firstIndex(where: { $0.source == source }) else { return false }
            var used = model.remove(at: index)
            used.lastUsed = now
            model.append(used)
            return true
        }
        while !input.isOver {
            let event = input.below(5)
            let source = UInt8(input.below(16))
            switch event {
            case 0:
                switch machine.arrived(from: source, now: now) {
                case .known:
                    require(use(source), "known to the model too")
                case .new(let ending):
                    require(!model.contains { $0.source == source }, "one for each source")
                    let isFull = model.count == capacity
                    let expected = isFull ? model.first(where: \.isSettled)?.source : nil
                    require(ending == expected && isFull == (ending != nil), "who was silent longest gives way")
                    model.removeAll { $0.source == ending }
                    model.append(Model(source: source, lastUsed: now))
                case .drop:
                    require(model.count == capacity && !model.contains(where: \.isSettled), "only while all are opened")
                    require(!model.contains { $0.source == source }, "nobody is dropped who is served")
                }
            case 1:
                machine.answered(source, now: now)
                _ = use(source)
            case 2:
                machine.settled(source)
                if let index = model.firstIndex(where: { $0.source == source }) { model[index].isSettled = true }
            case 3:
                now = now + .milliseconds(Int(input.byte()) * 500)
            default:
                let expired = model.filter { $0.lastUsed + patience <= now }.map(\.source)
                require(machine.takeExpired(now: now).sorted() == expired.sorted(), "all whose time has come")
                model.removeAll { expired.contains($0.source) }
            }
            require(machine.count == model.count && machine.count <= capacity, "bounded")
            require(machine.nextExpiry == model.map { $0.lastUsed + patience }.min(), "looked at in time")
        }
    }
}
