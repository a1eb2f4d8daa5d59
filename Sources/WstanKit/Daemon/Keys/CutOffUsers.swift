import WstanBase
import WstanControl
import WstanCore

/// Who could not connect after a rotation of the server's own key, since it ends a key that is in their strings.
struct CutOffUsers {
    /// The server's key that ends.
    private let key: String
    /// Whether that is the current one.
    private let isCurrent: Bool
    /// Those who have it, as far as is known.
    let names: [String]
    /// Those who have moved to the current one, and another device of whom may have the former one.
    private let others: [String]

    /// - Parameters:
    ///   - keys: all that there are before the rotation.
    ///   - grace: for the current key.
    /// - Returns: nil where it cuts off none.
    init?(_ ring: KeyRing, _ keys: [Control.Key], grace: Duration, now: CalendarTime) {
        if grace <= .zero {
            guard let current = ring.server.current else { return nil }
            (key, isCurrent, others) = (current.id.description, true, [])
            names = ring.entries.filter { $0.v2.isLive(at: now) }.map(\.name.text)
        } else {
            guard let former = FormerServerKey(among: keys) else { return nil }
            (key, isCurrent, others) = (former.key.id, false, former.others.map(\.name))
            names = former.users.map(\.name)
        }
        guard !names.isEmpty || !others.isEmpty else { return nil }
    }

    /// Why it is not done.
    var refusal: String {
        if isCurrent {
            return "without grace the server key \(key) ends now, and it is in the strings of \(NameList.text(names)). Nothing "
                + "was changed. Without --grace it is accepted for another 30 days; --force rotates it all the same."
        }
        return "another rotation ends the former server key \(key), and these have not been seen with the current one: "
            + "\(NameList.text(names)). Nothing was changed. Give each its new string, which wstanctl client-config --key NAME "
            + "prints, or retire its key; --force rotates it all the same."
    }

    /// What follows where it is done.
    var warnings: [String] {
        let ended = "the server key \(key) is no longer accepted"
        var warnings: [String] = []
        if !names.isEmpty {
            warnings.append(
                "\(ended), which cuts off \(NameList.text(names, atMost: Self.mostNames)): give each its new string "
                    + "(wstanctl client-config --key NAME)")
        }
        if !others.isEmpty {
            warnings.append(
                "\(ended), which cuts off any device that still has a former key of "
                    + "\(NameList.text(others, atMost: Self.mostNames)): give it the new string (wstanctl client-config --key NAME)")
        }
        return warnings
    }

    /// What is done is not told again.
    private static let mostNames = 1000
}
