import WstanControl

/// The server's own key of version 2, and who uses which, for a person.
enum ServerKeyText {
    /// After a rotation.
    ///
    /// - Parameters:
    ///   - keys: all of them, as they are now.
    ///   - grace: how long the former one is accepted, in microseconds.
    ///   - now: microseconds since 1970.
    static func rotated(_ reply: RotateServerKey.Reply, _ keys: [Control.Key], grace: Int, now: Int) -> [String] {
        let grace =
            reply.formerKeys?.first == nil
            ? "The former one is no longer accepted."
            : "The former one is accepted for another \(Amount.time(microseconds: grace))."
        let lines = ["The server has a new key (ID \(Printable.text(reply.id))). \(grace)", ""]
        let next = "Each client of version 2 needs its new string, which this prints:"
        let then = "On the client, run this; it asks for the string:"
        return lines + [next, "", "    sudo wstanctl client-config --key NAME", ""]
            + [then, "", "    sudo wstanctl -i client rotate-key --key-file -"]
            + users(among: keys, now: now, atMost: mostUsers)
    }

    /// A screen has no room for more.
    private static let mostUsers = 20

    /// Who may still have the former key, by name; nothing where there is no former key.
    static func users(among keys: [Control.Key], now: Int, atMost most: Int = .max) -> [String] {
        guard let former = FormerServerKey(among: keys) else { return [] }
        let id = Printable.text(former.key.id)
        func list(_ users: [FormerServerKey.User]) -> [String] {
            let lines = users.prefix(most).map { "    \(Printable.text($0.name)), \(use($0, now: now))" }
            let more = users.count - lines.count
            return [""] + lines + (more > 0 ? ["    and \(more) more: wstanctl keys"] : [])
        }
        var lines = [""]
        if former.users.isEmpty {
            let state = former.others.isEmpty ? "No client needs" : "Every name has moved from"
            lines.append("\(state) the former server key \(id). To stop accepting it: wstanctl retire-key \(id)")
        } else {
            let names = former.users.count == 1 ? "1 name has" : "\(former.users.count) names have"
            lines += ["\(names) not moved from the former server key \(id):"] + list(former.users)
        }
        if !former.others.isEmpty {
            let these = former.others.count == 1 ? "this name" : "these names"
            lines += ["", "Another device may still have a former key of \(these), and needs the new string:"] + list(former.others)
        }
        return lines
    }

    private static func use(_ user: FormerServerKey.User, now: Int) -> String {
        if let last = user.lastUse { return "last used it \(Amount.time(from: last, to: now)) ago" }
        return user.usesFormerKey ? "only seen with its own former key" : "not seen yet"
    }
}
