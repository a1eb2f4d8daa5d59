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

    var added: String {
        head + "\n" + (key == nil ? "" : "\n" + newClient)
    }

    /// - Parameter grace: how long the old key is accepted, in microseconds.
    func rotated(grace: Int) -> String {
        guard key != nil else { return head + "\n" }
        let old =
            grace > 0
            ? "The old key is accepted for another \(Amount.time(microseconds: grace))."
            : "The old key is no longer accepted."
        return """
            \(head)

            \(old) On a client that has it, run this; it asks for the new key:

                sudo wstanctl -i \(ClientLine.instance(name)) rotate-key --key-file -

            \(newClient)
            """
    }

    private var head: String {
        let title = "New key for \"\(Printable.text(name ?? ServerKey.configured))\" (ID \(Printable.text(id)))"
        return key.map { title + ":\n\n    " + Printable.text($0) } ?? title + "."
    }

    private var newClient: String {
        let program = "wstanctl" + (instance.map { " -i \(Shell.word($0))" } ?? "")
        let again =
            "sudo \(program) client-config\(name.map { " --key \(Shell.word(Printable.text($0)))" } ?? "") prints it again.\n"
        guard let clientURI else { return again }
        var text = ClientLine.command(name: name, uri: clientURI) + "\n\n"
        if isLoopbackOnly {
            text += ClientLine.loopbackOnly + "\n\n"
        } else if isGuess {
            text += ClientLine.guess(TunnelURI(clientURI)?.host ?? "HOST") + "\n\n"
        }
        return text + again
    }
}
