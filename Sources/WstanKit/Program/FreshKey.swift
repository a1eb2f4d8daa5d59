import WstanCore

/// The keys that `wstand -g` prints.
enum FreshKey {
    /// Of version 1: 16 random bytes, as Python's -g.
    case v1(Key)
    /// A string for a server, and one for its client, which cannot play the server.
    case v2(server: KeyString, client: KeyString)

    init(isV2: Bool) {
        guard isV2 else {
            self = .v1(.random())
            return
        }
        let server = KeyString.randomShared()
        // Of kind 1, so that the server knows this client without a ring.
        guard let client = server.clientKey else { preconditionFailure("a shared string is for both ends") }
        self = .v2(server: server, client: client.string)
    }

    /// - Parameter onTerminal: with words. A file or a pipe has the keys alone: the first line of a key file counts.
    func text(onTerminal: Bool) -> String {
        switch self {
        // The words are those of Python.
        case .v1(let key): onTerminal ? "A fresh random key: \(key.base64)" : key.base64
        case .v2(let server, let client):
            onTerminal
                ? "For the server: \(server.text)\nFor its client: \(client.text)" : "\(server.text)\n\(client.text)"
        }
    }
}
