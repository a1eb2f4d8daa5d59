import WstanControl

/// What becomes of the tunnels of a daemon that drains or stops, for a person.
enum DrainText {
    /// - Parameter now: microseconds since 1970.
    static func lines(_ status: GetStatus.Reply, now: Int) -> [String] {
        let left = status.tunnelsActive
        let count = left == 0 ? "no tunnel is left" : "\(Amount.count(left, "tunnel")) left"
        let wait = status.drainDeadlineTimestampUSec.map { TimeText.difference($0, now) }
        let limit = wait.flatMap { $0 > 0 ? Amount.time(microseconds: $0) : nil }
        if status.drainExits == true || status.state == .stopping {
            guard left > 0 else { return ["\(count): wstand ends now"] }
            guard wait != nil else { return ["\(count): wstand ends when they have ended"] }
            return ["\(count): wstand ends when they have ended, and closes what is left " + (limit.map { "in \($0)" } ?? "now")]
        }
        var lines = [left == 0 ? count : "\(count): they stay open until they end by themselves"]
        if left > 0, let limit { lines.append("wstanctl drain waits for them for another \(limit)") }
        let instance = status.instance.map { " -i " + Printable.text($0) } ?? ""
        return lines + ["new tunnels are refused until: wstanctl\(instance) undrain"]
    }
}
