import WstanControl

/// The server's own key of version 2, and who uses which, for a person.
enum ServerKeyText {
    /// After a rotation.
    ///
    /// - Parameters:
    ///   - keys: all of them, as they are now.
    ///   - grace: how long the former one is accepted, in microseconds.
    static func rotated(_ reply: RotateServerKey.Reply, _ keys: [Control.Key], grace: Int) -> [String] {
        let former = reply.formerKeys?.first
        let grace =
            former == nil
            ? "The former one is no longer accepted."
            : "The former one is accepted for another \(Amount.time(microseconds: grace))."
        let lines = ["The server has a new key (ID \(Printable.text(reply.id))). \(grace)", ""]
        let next = "Each client of version 2 needs its new string, which this prints:"
        return lines + [next, "", "    sudo wstanctl client-config --key NAME"] + users(of: former, keys)
    }

    /// Who still uses the former key, by name; nothing where there is no former key.
    static func users(of former: Control.Key?, _ keys: [Control.Key]) -> [String] {
        guard let former else { return [] }
        var seen: Set<String> = []
        let names = keys.filter { $0.formerServerKeyTimestampUSec != nil }.map(\.name).filter {
            seen.insert($0).inserted
        }
        let id = Printable.text(former.id)
        guard !names.isEmpty else {
            return ["", "No client has been seen that still uses the former server key \(id)."]
        }
        let clients = names.count == 1 ? "1 name" : "\(names.count) names"
        return ["", "The former server key \(id) is still used by \(clients):", ""]
            + names.map { "    " + Printable.text($0) }
    }
}
