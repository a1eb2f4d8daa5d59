import WstanControl

/// What is told of a key once it is in force: where it goes, and how it gets there.
struct NewKey {
    /// Nil: the configured key.
    let name: String?
    let id: String
    /// Nil: it was given, and not made.
    let key: String?
    /// Nil at a client, and for a daemon of 0.1.0.
    let clientURI: String?
    let isGuess: Bool
    var isLoopbackOnly = false
    /// The instance, if it was named on the command line.
    var instance: String?
    /// Those of the name that are still accepted; nil: the daemon does not say.
    var formerKeys: [Control.Key]?
    /// At a client: the ID of the key that it sent before.
    var replacedKey: String?
    /// Of a key that was added: those that the name has besides.
    var otherKeys: [Control.Key] = []

    var added: String {
        head + "\n" + (others.map { "\n" + $0 } ?? "") + (key.map { "\n" + newClient(with: $0) } ?? "")
    }

    /// What the name has already, and how a client changes from that to the new key, if that is of the later version.
    private var others: String? {
        guard let first = otherKeys.first, let name else { return nil }
        let ids = otherKeys.map { Printable.text($0.id) }
        let version = first.kind == .v2 ? 2 : 1
        let (keys, stay) = ids.count == 1 ? ("a key", "stays") : ("keys", "stay")
        let whose = "\"\(Printable.text(name))\" also has \(keys) of version \(version), which \(stay): "
        let text = whose + ids.joined(separator: ", ") + ".\n"
        guard version == 1 else { return text }
        let (rest, them) = ids.count == 1 ? ("the other one is", "it") : ("the others are", "them")
        let ends = ids.map { "    sudo \(program) retire-key \($0)\n" }.joined()
        return """
            \(text)
            On a client that has it, run this; it asks for the new key:

                sudo wstanctl -i \(ClientLine.instance(name)) rotate-key --key-file -

            When \(program) keys shows that \(rest) no longer used, end \(them):

            \(ends)
            """
    }

    /// - Parameters:
    ///   - grace: how long the old key is accepted, in microseconds.
    ///   - now: microseconds since 1970.
    func rotated(grace: Int, now: Int) -> String {
        if let replacedKey { return head + "\n\n" + Self.wayBack(from: Printable.text(replacedKey)) }
        let others = stillAccepted(grace: grace, now: now).map { "\n" + $0 + "\n" } ?? ""
        guard let key else { return head + "\n" + others }
        let old =
            grace > 0
            ? "The old key is accepted for another \(Amount.time(microseconds: grace))."
            : "The old key is no longer accepted."
        return """
            \(head)
            \(others)
            \(old) On a client that has it, run this; it asks for the new key:

                sudo wstanctl -i \(ClientLine.instance(name)) rotate-key --key-file -

            \(newClient(with: key))
            """
    }

    /// A client has one key, and does not keep the one before.
    private static func wayBack(from id: String) -> String {
        """
        It replaces the key with the ID \(id), which is not kept. wstanctl status shows whether the server accepts the
        new one. If it does not, run this again with the key that the server has for this client; there, this prints it:

            sudo wstanctl client-config --key NAME

        """
    }

    /// The former keys, when there are more of them than the sentence about the old one tells.
    private func stillAccepted(grace: Int, now: Int) -> String? {
        guard let formerKeys, formerKeys.count > (grace > 0 && key != nil ? 1 : 0) else { return nil }
        let ends = formerKeys.map { key in
            let end = key.retireTimestampUSec.map { "ends in \(Amount.time(from: now, to: $0))" } ?? "previous"
            return "\n    \(Printable.text(key.id)), \(end)"
        }
        return "Former keys that are accepted:\n" + ends.joined()
    }

    private var head: String {
        let title = "New key for \"\(Printable.text(name ?? ServerKey.configured))\" (ID \(Printable.text(id)))"
        return key.map { title + ":\n\n    " + Printable.text($0) } ?? title + "."
    }

    private var program: String { "wstanctl" + (instance.map { " -i \(Shell.word($0))" } ?? "") }

    private func newClient(with key: String) -> String {
        let again =
            "sudo \(program) client-config\(name.map { " --key \(Shell.word(Printable.text($0)))" } ?? "") prints it again.\n"
        guard let clientURI else { return again }
        var text = ClientLine.command(name: name, uri: clientURI, key: key) + "\n\n"
        if isLoopbackOnly {
            text += ClientLine.loopbackOnly + "\n\n"
        } else if isGuess {
            text += ClientLine.guess(TunnelURI(clientURI)?.host ?? "HOST") + "\n\n"
        }
        return text + again
    }
}
