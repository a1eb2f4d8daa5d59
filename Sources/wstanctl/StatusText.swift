import WstanControl

/// A status as lines for a person.
struct StatusText {
    private(set) var lines: [String] = []
    private let paint: Paint
    private let now: Int

    /// - Parameters:
    ///   - before: the same, `interval` microseconds earlier.
    ///   - now: microseconds since 1970.
    init(_ status: GetStatus.Reply, before: GetStatus.Reply, interval: Int, now: Int, paint: Paint) {
        self.paint = paint
        self.now = now
        head(status)
        for listener in status.listeners {
            add("listens", listener.name == "listen" ? listener.address : "\(listener.address) (\(listener.name))")
        }
        traffic(status, before, interval)
        pool(status)
        rejects(status)
        keys(status)
        for error in status.configurationErrors ?? [] { add("error", paint.bad(error)) }
        for warning in status.warnings ?? [] { add("warning", paint.doubtful(warning)) }
        if status.restricted == true { add("note", "keys and warnings are shown to root and the group wstan only") }
    }

    private mutating func add(_ title: String, _ text: String) {
        lines.append(String(repeating: " ", count: max(0, 10 - title.count)) + title + "  " + text)
    }

    private mutating func head(_ status: GetStatus.Reply) {
        let isTroubled = !(status.configurationErrors ?? []).isEmpty
        let state =
            switch status.state {
            case .running: isTroubled ? paint.bad("running") : paint.good("running")
            case .starting, .reloading, .draining, .stopping: paint.doubtful(status.state.rawValue)
            }
        let name = status.instance.map { "wstand@\($0)" } ?? "wstand"
        lines.append("\(name) \(status.version), \(status.mode.rawValue), pid \(status.pid)")
        add("state", "\(state) for \(Amount.time(microseconds: now - status.startTimestampUSec))")
        if let deadline = status.drainDeadlineTimestampUSec {
            add("", "what is left then is ended in \(Amount.time(microseconds: deadline - now))")
        }
    }

    private mutating func traffic(_ status: GetStatus.Reply, _ before: GetStatus.Reply, _ interval: Int) {
        add("tunnels", "\(status.tunnelsActive) in use, \(status.tunnelsTotal) opened since the start")
        func perSecond(_ now: Int, _ before: Int) -> String {
            Amount.bytes(Int(Double(max(now - before, 0)) * 1e6 / Double(max(interval, 1)))) + "/s"
        }
        add(
            "traffic",
            "in \(perSecond(status.bytesReceived, before.bytesReceived)), out \(perSecond(status.bytesSent, before.bytesSent)); "
                + "since the start \(Amount.bytes(status.bytesReceived)) and \(Amount.bytes(status.bytesSent))")
    }

    private mutating func pool(_ status: GetStatus.Reply) {
        guard let pool = status.pool else { return }
        guard status.mode == .client else { return add("idle", "\(pool.idle) tunnels that clients keep open") }
        var text = "[\(Self.bar(pool))] \(pool.idle) of \(pool.size) idle"
        if pool.opening > 0 { text += ", \(pool.opening) being opened" }
        let (total, overflows) = pool.hits.addingReportingOverflow(pool.misses)
        if total > 0, !overflows { text += "; \(pool.hits) of \(total) connections found one" }
        if let roundTrip = pool.rttUSec { text += "; round trip \(Amount.roundTrip(microseconds: roundTrip))" }
        add("pool", text)
    }

    /// `#` is idle, `+` is being opened.
    private static func bar(_ pool: Control.Pool) -> String {
        let width = 16
        let whole = max(pool.size, pool.idle, 1)
        let idle = min(pool.idle * width / whole + (pool.idle > 0 && pool.idle * width < whole ? 1 : 0), width)
        let opening = min(pool.opening, width - idle)
        return String(repeating: "#", count: idle) + String(repeating: "+", count: opening)
            + String(repeating: ".", count: width - idle - opening)
    }

    private mutating func rejects(_ status: GetStatus.Reply) {
        guard let rejects = status.rejects else { return }
        let causes = [
            (rejects.replay, "replayed"), (rejects.expired, "expired"), (rejects.badAuthentication, "wrong key"),
            (rejects.malformed, "malformed"), (rejects.forbiddenTarget, "forbidden target"),
            (rejects.overLimit, "over a limit"), (rejects.droppedDatagrams, "datagrams dropped"),
        ].filter { $0.0 > 0 }
        let text = causes.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        add("rejects", causes.isEmpty ? "none" : paint.doubtful(text))
    }

    private mutating func keys(_ status: GetStatus.Reply) {
        for key in status.keys ?? [] { add("key", KeyText.line(key, now: now)) }
    }
}

/// A key as a line for a person.
enum KeyText {
    static func line(_ key: Control.Key, now: Int) -> String {
        var text = "\(key.name)  \(key.id)"
        switch key.state {
        case .current: text += "  current"
        case .previous:
            text += "  previous"
            if let end = key.retireTimestampUSec { text += ", ends in \(Amount.time(microseconds: end - now))" }
        }
        text += "; used \(key.uses) times"
        if let last = key.lastUseTimestampUSec { text += ", last \(Amount.time(microseconds: now - last)) ago" }
        return text
    }
}
