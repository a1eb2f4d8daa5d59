/// How it is, in one line for `systemctl status`.
struct StatusLine: Equatable {
    /// Before the numbers, unless it does its usual business.
    var state: String?
    var inUse = 0
    var idle = 0
    /// A client's: how many may be idle.
    var poolSize: Int?
    /// A server's.
    var rejects = RefusalCounts()

    var text: String {
        var line = (state.map { "\($0): " } ?? "") + "\(inUse) \(inUse == 1 ? "tunnel" : "tunnels") in use, "
        if let poolSize { return line + "\(idle) of \(poolSize) idle" }
        let counts = [
            (rejects.replay, "replayed"), (rejects.expired, "expired"), (rejects.badAuthentication, "wrong key"),
            (rejects.malformed, "malformed"), (rejects.forbiddenTarget, "forbidden target"),
            (rejects.overLimit, "over limit"),
        ]
        let refused = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        line += "\(idle) idle; refused: " + (refused.isEmpty ? "none" : refused.joined(separator: ", "))
        return line
    }
}

extension StatusLine {
    init(_ snapshot: ServiceSnapshot, state: String?) {
        self.init(
            state: state, inUse: snapshot.totals.active, idle: snapshot.pool?.idle ?? snapshot.totals.idle,
            poolSize: snapshot.pool?.size, rejects: snapshot.rejects ?? RefusalCounts())
    }
}
