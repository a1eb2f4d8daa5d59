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
        let refused = RefusalCounts.Counter.allCases.compactMap { counter in
            rejects[counter] > 0 ? Self.label(counter).map { "\(rejects[counter]) \($0)" } : nil
        }
        line += "\(idle) idle; refused: " + (refused.isEmpty ? "none" : refused.joined(separator: ", "))
        return line
    }

    /// - Returns: nil for what the line has no room for.
    private static func label(_ counter: RefusalCounts.Counter) -> String? {
        switch counter {
        case .replay: "replayed"
        case .expired: "expired"
        case .badAuthentication: "wrong key"
        case .malformed: "malformed"
        case .forbiddenTarget: "forbidden target"
        case .overLimit: "over limit"
        case .droppedDatagrams: nil
        case .draining: "while draining"
        }
    }
}

extension StatusLine {
    init(_ snapshot: ServiceSnapshot, state: String?, _ concerns: [Concern] = []) {
        self.init(
            state: state, inUse: snapshot.totals.active, idle: snapshot.pool?.idle ?? snapshot.totals.idle,
            poolSize: snapshot.pool?.size, rejects: snapshot.rejects ?? RefusalCounts(), concerns: concerns.map(\.text))
    }
}
