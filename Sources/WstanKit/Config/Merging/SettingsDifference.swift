/// What another reading of the configuration has changed, by the names that an administrator writes: `[pool] size`,
/// `uri`, `[forward db] (added)`. Values are not among them.
///
/// It sees what the configuration says, not what stands in the files that it names: a key file with another key in it
/// is no difference here.
public struct SettingsDifference: Sendable, Equatable {
    /// What a reload puts in force.
    public private(set) var takesOver: [String] = []
    /// What stays as it is until a restart.
    public private(set) var needsRestart: [String] = []

    public var isEmpty: Bool { takesOver.isEmpty && needsRestart.isEmpty }

    package init(takesOver: [String], needsRestart: [String]) {
        self.takesOver = takesOver
        self.needsRestart = needsRestart
    }

    public init(from old: Settings, to new: Settings) {
        var forwards: [String] = []
        for forward in old.forwards where !new.forwards.contains(where: { $0.name == forward.name }) {
            forwards.append("[forward \(forward.name)] (removed)")
        }
        for forward in new.forwards {
            guard let former = old.forwards.first(where: { $0.name == forward.name }) else {
                forwards.append("[forward \(forward.name)] (added)")
                continue
            }
            if former != forward { forwards.append("[forward \(forward.name)] (changed)") }
        }
        let changed = SettingKey.all.filter { Self.hasChanged($0, from: old, to: new) }
        // The other end is another program in all but name: nothing of it fits into the one that runs.
        guard old.mode == new.mode else {
            needsRestart = changed.map(\.title) + forwards
            return
        }
        takesOver = changed.filter { $0.reload.takesOver(in: old.mode) }.map(\.title) + forwards
        needsRestart = changed.filter { !$0.reload.takesOver(in: old.mode) }.map(\.title)
    }

    private static func hasChanged(_ key: SettingKey, from old: Settings, to new: Settings) -> Bool {
        // A server that was not told where to listen follows its URI, and only that has changed then.
        if case .listen(.server) = key.kind.reading, old.listensByURI, new.listensByURI { return false }
        return key.kind.text(old) != key.kind.text(new)
    }
}

extension Settings {
    /// A server's: it listens where its URI says.
    fileprivate var listensByURI: Bool { mode == .server && listensByDefault }

    /// What is in force after a reload: `new`, but for what needs a restart.
    public func reloaded(with new: Settings) -> Settings {
        guard new.mode == mode else { return self }
        var next = new
        for key in SettingKey.all where !key.reload.takesOver(in: mode) { key.kind.copy(self, &next) }
        // It listens where it does, since the URI is the former one.
        if listensByURI, new.listensByURI { next.listen = listen }
        return next
    }
}
