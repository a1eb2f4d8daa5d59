import WstanControl
import WstanCore

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
    /// What there is to see to.
    var concerns: [String] = []

    var text: String {
        var line = (state.map { "\($0): " } ?? "") + concerns.map { $0 + "; " }.joined()
        line += "\(inUse) \(inUse == 1 ? "tunnel" : "tunnels") in use, "
        if let poolSize { return line + "\(idle) of \(poolSize) idle" }
        let causes = RefusalCounts.Counter.allCases.filter { $0 != .droppedDatagrams && rejects[$0] > 0 }
        let refused = causes.map { "\(rejects[$0]) \(Control.Rejects.Field($0).label)" }
        line += "\(idle) idle; refused: " + (refused.isEmpty ? "none" : refused.joined(separator: ", "))
        return line
    }
}

extension StatusLine {
    init(_ snapshot: ServiceSnapshot, state: String?, _ concerns: [Concern] = []) {
        self.init(
            state: state, inUse: snapshot.totals.active, idle: snapshot.pool?.idle ?? snapshot.totals.idle,
            poolSize: snapshot.pool?.size, rejects: snapshot.rejects ?? RefusalCounts(), concerns: concerns.map(\.text))
    }
}
