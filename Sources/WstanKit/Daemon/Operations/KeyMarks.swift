import WstanControl
import WstanCore

/// What is said of a key beside what the ring tells.
struct KeyMarks {
    private let refusedBy: String?
    /// Names that have not moved from the server's former key.
    private let notMoved: Set<String>

    /// - Parameter keys: all of the ring.
    init(_ keys: [ListedKey], _ refused: RefusedKeys?) {
        refusedBy = refused.map { _ in RefusedKeys.setting }
        let hasFormer = keys.contains { $0.kind == .server && $0.expiry != nil }
        let former = hasFormer ? FormerServerKey(among: keys.map(Control.Key.init)) : nil
        notMoved = Set(former?.users.map(\.name) ?? [])
    }

    func shown(_ key: ListedKey) -> Control.Key {
        var shown = Control.Key(key)
        switch key.kind {
        case .v1: shown.refusedBy = refusedBy
        case .v2: if notMoved.contains(shown.name) { shown.notMoved = true }
        case .server: break
        }
        return shown
    }
}
