/// That a client's key of version 2 ends, as its server has said, in words.
public struct KeyEnd: Equatable {
    /// Microseconds since 1970; nil: the server does not say when.
    public let end: Int?
    /// The server has another key for the client.
    public let isReplaced: Bool

    /// - Returns: nil: nothing is known of an end.
    public init?(end: Int?, isReplaced: Bool) {
        if end == nil, !isReplaced { return nil }
        self.end = end
        self.isReplaced = isReplaced
    }

    /// From here on a monitor is told.
    private static let notice = 14 * TimeText.day

    public func isNear(_ now: Int) -> Bool { end.map { TimeText.difference($0, now) < Self.notice } ?? true }

    /// Goes on behind "the key".
    public func text(now: Int) -> String {
        guard let end else { return "was replaced at the server and will be refused" }
        let left = TimeText.difference(end, now)
        return left > 0
            ? "expires on \(TimeText.date(end)), in \(TimeText.text(microseconds: left))"
            : "expired on \(TimeText.date(end))"
    }

    /// Where the next one comes from.
    ///
    /// - Parameter id: of the client's key, by which the server knows whose it is; nil where it may not be told.
    public func source(of id: String?) -> String {
        let whose = id.map { "; NAME is that of the ID \($0) in wstanctl keys" } ?? ""
        return isReplaced
            ? "at the server, wstanctl client-config --key NAME prints the new key\(whose)"
            : "at the server, wstanctl rotate-key NAME makes a new key and prints it\(whose)"
    }

    /// Where it goes.
    ///
    /// - Parameter wstanctl: as it is called for the client.
    public static func installation(_ wstanctl: String = "wstanctl") -> String {
        "\(wstanctl) rotate-key --key-file - takes the new key"
    }
}

extension Control.Server {
    /// That of the client's key at this server.
    public var keyEnd: KeyEnd? { KeyEnd(end: keyEndTimestampUSec, isReplaced: keyReplaced == true) }
}

extension GetStatus.Reply {
    /// As it is called for this daemon.
    var wstanctl: String { "wstanctl" + (instance.map { " -i \($0)" } ?? "") }

    /// What there is to say of the end of a client's key, and what to do, one below the other; nothing of other servers' keys.
    public func keyEndLines(of server: Control.Server, now: Int) -> [String] {
        guard let keyEnd = server.keyEnd else { return [] }
        return ["the key \(keyEnd.text(now: now))", keyEnd.source(of: keyID), KeyEnd.installation(wstanctl)]
    }

    func keyConcern(of server: Control.Server, _ name: String, _ now: Int) -> Concern? {
        guard let keyEnd = server.keyEnd, keyEnd.isNear(now) else { return nil }
        return Concern(
            .warning, "key for \(name) \(keyEnd.text(now: now)): \(KeyEnd.installation(wstanctl))",
            advice: keyEnd.source(of: keyID))
    }

    /// A client's own.
    private var keyID: String? { keys?.first { $0.state == .current }?.id }
}
