import WstanControl

/// A status as lines for a person.
struct StatusText {
    private(set) var lines: [String] = []
    private let manner: Manner
    private let now: Int
    private let systemctl: String

    /// The same, some time earlier: what flows now is the difference.
    struct Earlier {
        let status: GetStatus.Reply
        /// How much earlier, in microseconds.
        let interval: Int
    }

    private static let titleWidth = 10

    /// - Parameters:
    ///   - now: microseconds since 1970.
    ///   - systemctl: the command that reaches its service manager.
    init(_ status: GetStatus.Reply, _ earlier: Earlier?, now: Int, systemctl: String = "systemctl", manner: Manner) {
        self.manner = manner
        self.now = now
        self.systemctl = systemctl
        head(status)
        configuration(status)
        servers(status)
        certificate(status)
        listeners(status)
        traffic(status, earlier)
        if let pool = status.pool { self.pool(pool, status.mode) }
        rejects(status)
        datagrams(status)
        proofs(status)
        keys(status)
        func ofKeys(_ severity: Concern.Severity) -> [String] {
            [status.keyConcern].compactMap { $0 }.filter { $0.severity == severity }.map(\.text)
        }
        add("error", ofKeys(.critical) + (status.configurationErrors ?? []), manner.bad)
        add(
            "warning", status.listenConcerns(systemctl).map(\.text) + ofKeys(.warning) + (status.warnings ?? []),
            manner.doubtful)
        if status.restricted == true {
            add("note", ["root and the group wstan see more: addresses, keys, exact numbers"], manner.faint)
        }
    }

    // MARK: Lines

    /// Columns beside a title.
    private var room: Int { manner.width.map { max(20, $0 - Self.titleWidth - 2) } ?? .max }

    /// A title, and what it is about, one below the other and broken to fit.
    ///
    /// - Parameter margin: columns by which they stand further to the right.
    private mutating func add(
        _ title: String, _ texts: [String], _ paint: (String) -> String = { $0 }, margin: Int = 0
    ) {
        var title = title
        for text in texts {
            for line in Printable.wrapped(Printable.text(text), to: room - margin) {
                let fitting = Printable.shortened(line, to: room - margin, mark: manner.mark)
                addLine(title, String(repeating: " ", count: margin) + paint(fitting))
                title = ""
            }
        }
    }

    private mutating func addLine(_ title: String, _ line: String) {
        lines.append(String(repeating: " ", count: Self.titleWidth - title.count) + title + "  " + line)
    }

    private mutating func head(_ status: GetStatus.Reply) {
        let name = status.instance.map { "wstand@" + Printable.text($0) } ?? "wstand"
        let paint = paint(of: status)
        let about = "\(Printable.text(status.version)), \(status.mode.rawValue), pid \(status.pid)"
        let mark = manner.hasSymbols ? "●" : "*"
        if let width = manner.width, Printable.width("\(mark) \(name) \(about)") > width {
            lines.append(paint(mark) + " " + manner.strong(Printable.shortened(name, to: width - 2, mark: manner.mark)))
            add("", [about])
        } else {
            lines.append(paint(mark) + " " + manner.strong(name) + " " + about)
        }
        let start = status.startTimestampUSec
        let state = status.state.rawValue
        // The time is that of the state. A daemon of 0.1.0 does not tell since when it drains.
        let isUsual = status.state == .running
        let begin = isUsual ? start : status.drainStartTimestampUSec
        var isFirst = true
        add("state", [state + (begin.map { " " + time(since: $0) } ?? "")]) { line in
            defer { isFirst = false }
            return isFirst ? paint(state) + line.dropFirst(state.count) : line
        }
        if [.draining, .stopping].contains(status.state) { add("", DrainText.lines(status, now: now)) }
        if !isUsual { add("up", [time(since: start)]) }
    }

    private func time(since start: Int) -> String {
        "for \(Amount.time(from: start, to: now)), since \(Amount.moment(start, isUTC: manner.isUTC))"
    }

    private mutating func configuration(_ status: GetStatus.Reply) {
        let unit = status.instance.map { "wstand@" + $0 } ?? "wstand"
        let loaded = status.configurationLoadTimestampUSec
        let isOfStart = Amount.difference(loaded, status.startTimestampUSec) < 2_000_000
        add("config", [isOfStart ? "as at the start" : "read again \(Amount.time(from: loaded, to: now)) ago"])
        if let failure = status.reloadFailureTimestampUSec {
            let ago = Amount.time(from: failure, to: now)
            add("", ["the last reload failed \(ago) ago and changed nothing"], manner.bad)
        }
        if status.filesChanged == true {
            add("", ["files changed since: \(systemctl) reload \(unit)"], manner.doubtful)
        }
        if let names = status.requiresRestart, !names.isEmpty {
            let text = "needed for \(names.joined(separator: ", ")): \(systemctl) restart \(unit)"
            add("restart", [text], manner.doubtful)
        }
        if let level = status.logLevel, level != .notice { add("log", ["\(level.rawValue) and above"]) }
    }

    /// By the habits of systemctl status: green when a connection that is made now works.
    private func paint(of status: GetStatus.Reply) -> (String) -> String {
        switch status.concerns(now: now).map(\.severity).max() {
        case nil: manner.good
        case .unknown, .warning: manner.doubtful
        case .critical: manner.bad
        }
    }

    private mutating func servers(_ status: GetStatus.Reply) {
        let servers = status.servers ?? []
        let isServed = servers.contains { $0.state == .reachable }
        for (index, server) in servers.enumerated() {
            let lines = LinkText.lines(server, among: servers.count, now: now)
            let title = index > 0 ? "" : servers.count > 1 ? "servers" : "server"
            add(title, [lines[0]]) { [manner] in Self.paint($0, server, isServed: isServed, manner) }
            add("", Array(lines.dropFirst()), margin: 2)
            add("", status.keyEndLines(of: server, now: now), manner.doubtful, margin: 2)
        }
    }

    /// - Parameter isServed: whether another server works.
    private static func paint(_ text: String, _ server: Control.Server, isServed: Bool, _ manner: Manner) -> String {
        switch server.state {
        case .reachable: text
        case .unreachable: isServed ? manner.doubtful(text) : manner.bad(text)
        // One that was not needed was not tried.
        case .unknown: server.used || server.cause != nil ? manner.doubtful(text) : manner.faint(text)
        }
    }

    private mutating func certificate(_ status: GetStatus.Reply) {
        guard let certificate = status.certificate else { return }
        let isGood = certificate.mismatchedHost == nil && certificate.endTimestampUSec.map { $0 >= now } ?? true
        add("cert", LinkText.lines(certificate, now: now)) { [manner] in isGood ? $0 : manner.bad($0) }
    }

    private mutating func listeners(_ status: GetStatus.Reply) {
        add(
            "listens",
            status.listeners.map { listener in
                let notes: [String?] = [
                    listener.name == "listen" ? nil : listener.name, listener.activated ? "by systemd" : nil,
                    status.withoutTLS?.contains(listener.address) == true ? "without TLS" : nil,
                ]
                let note = notes.compactMap { $0 }.joined(separator: ", ")
                return note.isEmpty ? listener.address : "\(listener.address) (\(note))"
            })
    }

    private mutating func traffic(_ status: GetStatus.Reply, _ earlier: Earlier?) {
        add("tunnels", ["\(status.tunnelsActive) in use, \(status.tunnelsTotal) opened since the start"])
        // A stranger is told whole megabytes: a rate of those is no rate, and 0 of them need not be none.
        let isRough = status.restricted == true
        if isRough, min(status.bytesReceived, status.bytesSent) == 0 { return }
        var text = ""
        if !isRough, let earlier {
            func rate(_ count: (GetStatus.Reply) -> Int) -> String {
                Amount.rate(count(status), since: count(earlier.status), within: earlier.interval)
            }
            text = "in \(rate(\.bytesReceived)), out \(rate(\.bytesSent)); "
        }
        text += "since the start \(Amount.bytes(status.bytesReceived)) and \(Amount.bytes(status.bytesSent))"
        add("traffic", [text])
    }

    private mutating func datagrams(_ status: GetStatus.Reply) {
        guard let dropped = status.droppedDatagrams, dropped > 0 else { return }
        add("datagrams", ["\(dropped) dropped since the start"], manner.doubtful)
    }

    /// Of version 2, in which each server proves itself.
    private mutating func proofs(_ status: GetStatus.Reply) {
        let missing = [
            (status.impostors ?? 0, "answer", "not made with the server's key"),
            (status.unproven ?? 0, "WebSocket", "opened without the server's proof"),
        ].filter { $0.0 > 0 }.map { "\(Amount.count($0, $1)) \($2)" }
        guard !missing.isEmpty else { return }
        add("proofs", [missing.joined(separator: ", ") + ", since the start"], manner.doubtful)
    }

    private mutating func pool(_ pool: Control.Pool, _ mode: Control.Mode) {
        switch mode {
        case .server: add("idle", [Amount.count(pool.idle, "tunnel") + " that clients keep open"])
        case .client:
            let (bar, text) = PoolText.line(pool, manner)
            let painted = manner.good(bar.idle) + manner.doubtful(bar.opening) + manner.faint(bar.empty)
            let barWidth = (bar.idle + bar.opening + bar.empty).count + 1
            // Beside the bar there is room for a few words a line, or the words stand below.
            guard room - barWidth >= 30 else {
                addLine("pool", painted)
                return add("", [text])
            }
            let lines = Printable.wrapped(text, to: room - barWidth)
            addLine("pool", painted + " " + (lines.first ?? ""))
            for line in lines.dropFirst() { addLine("", String(repeating: " ", count: barWidth) + line) }
        }
    }

    private mutating func rejects(_ status: GetStatus.Reply) {
        guard let rejects = status.rejects else { return }
        let causes = Control.Rejects.Field.allCases.filter { rejects[$0] > 0 }.map { "\(rejects[$0]) \($0.label)" }
        guard !causes.isEmpty else { return add("rejects", ["none"]) }
        add("rejects", [causes.joined(separator: ", ")], manner.doubtful)
    }

    private mutating func keys(_ status: GetStatus.Reply) {
        let keys = status.keys ?? []
        // A screen has no room for more; `wstanctl keys` shows them all.
        let shown = keys.count > Self.keysShown ? keys.prefix(Self.keysShown - 1) : keys[...]
        let nameWidth = min(shown.map { Printable.width(Printable.text($0.name)) }.max() ?? 0, 20)
        var title = "keys"
        for key in shown {
            let name = Printable.padded(Printable.text(key.name), to: nameWidth)
            let whose = "\(name)  \(Printable.text(key.id))"
            let use = KeyTable.line(key, now: now)
            let isShort = Printable.width("\(whose)  \(use)") <= room
            addLine(title, isShort ? "\(whose)  \(use)" : Printable.cut(whose, to: room, mark: manner.mark))
            if !isShort { add("", [use], margin: 2) }
            title = ""
        }
        let count = max(status.keyCount ?? keys.count, keys.count)
        if shown.count < count { add("", ["and \(count - shown.count) more: wstanctl keys"]) }
    }

    private static let keysShown = 8
}
