/// One thing that the doctor has looked at, and what to do about it.
package struct Finding: Equatable, Sendable {
    package enum Level: Equatable, Sendable {
        case ok
        /// It works, and may not always.
        case warning
        case failed(Part)
    }

    /// What a failure is about; the exit status says it.
    package enum Part: Equatable, Sendable, CaseIterable {
        case configuration
        /// Something on the way to the server, or the server, is not there.
        case reach
        case other
    }

    let level: Level
    /// What was looked at, in a word or two.
    let subject: String
    let text: String
    /// What to change; nil where nothing has to be.
    let remedy: String?

    static func ok(_ subject: String, _ text: String) -> Finding {
        Finding(level: .ok, subject: subject, text: text, remedy: nil)
    }

    static func warning(_ subject: String, _ text: String, remedy: String? = nil) -> Finding {
        Finding(level: .warning, subject: subject, text: text, remedy: remedy)
    }

    static func failed(_ part: Part, _ subject: String, _ text: String, remedy: String? = nil) -> Finding {
        Finding(level: .failed(part), subject: subject, text: text, remedy: remedy)
    }

    /// What the doctor itself may have left at a server: an administrator there is not to take it for an attack.
    ///
    /// - Parameters:
    ///   - requests: how many got no tunnel.
    ///   - isOfVersion2: a request for another server's key is noise there, which is not logged at the default level.
    static func unanswered(requests: Int, by place: String, isOfVersion2: Bool = false) -> Finding {
        let whose = requests == 1 ? "one request of this doctor" : "\(requests) requests of this doctor"
        return .warning(
            "requests", "\(place) opened no tunnel for \(whose)",
            remedy: "a wstan server there lists them in wstanctl rejects --all, by this host's address, and its fail2ban counts "
                + (isOfVersion2 ? "those that were made for that server's key" : "them"))
    }

    var isFailure: Bool {
        switch level {
        case .ok, .warning: false
        case .failed: true
        }
    }
}
