import WstanControl

/// A status as lines for a person.
struct StatusText {
    private(set) var lines: [String] = []
    private let manner: Manner
    private let now: Int

    /// The same, some time earlier: what flows now is the difference.
    struct Earlier {
        let status: GetStatus.Reply
        /// How much earlier, in microseconds.
        let interval: Int
    }

    private static let titleWidth = 10

    /// - Parameter now: microseconds since 1970.
    init(_ status: GetStatus.Reply, _ earlier: Earlier?, now: Int, manner: Manner) {
        self.manner = manner
        self.now = now
        head(status)
        listeners(status)
        traffic(status, earlier)
        if let pool = status.pool { self.pool(pool, status.mode) }
        rejects(status)
        datagrams(status)
        keys(status)
        add("error", status.configurationErrors ?? [], manner.bad)
        add("warning", status.warnings ?? [], manner.doubtful)
        if status.restricted == true {
            add("note", ["keys and warnings are shown to root and the group wstan only"], manner.faint)
        }
    }

    // MARK: Lines

    /// Columns beside a title.
    private var room: Int { manner.width.map { max(20, $0 - Self.titleWidth - 2) } ?? .max }

    /// A title, and what it is about, one below the other and broken to fit.
    private mutating func add(_ title: String, _ texts: [String], _ paint: (String) -> String = { $0 }) {
        var title = title
        for text in texts {
            for line in Printable.wrapped(Printable.text(text), to: room) {
                addLine(title, paint(line))
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
        lines.append(
            paint(manner.hasSymbols ? "●" : "*") + " " + manner.strong(name)
                + " \(Printable.text(status.version)), \(status.mode.rawValue), pid \(status.pid)")
        let start = status.startTimestampUSec
        addLine(
            "state",
            paint(status.state.rawValue)
                + " for \(Amount.time(from: start, to: now)), since \(Amount.moment(start, isUTC: manner.isUTC))")
        if let deadline = status.drainDeadlineTimestampUSec {
            addLine("", "what is left then is ended in \(Amount.time(from: now, to: deadline))")
        }
        let loaded = status.configurationLoadTimestampUSec
        let isOfStart = Amount.difference(loaded, start) < 2_000_000
        addLine("config", isOfStart ? "as at the start" : "read again \(Amount.time(from: loaded, to: now)) ago")
        if let level = status.logLevel, level != .notice { addLine("log", "\(level.rawValue) and above") }
    }

    /// By the habits of systemctl status.
    private func paint(of status: GetStatus.Reply) -> (String) -> String {
        if !(status.configurationErrors ?? []).isEmpty { return manner.bad }
        switch status.state {
        case .running where (status.warnings ?? []).isEmpty: return manner.good
        case .running, .starting, .reloading, .draining, .stopping: return manner.doubtful
        }
    }

    private mutating func listeners(_ status: GetStatus.Reply) {
        add(
            "listens",
            status.listeners.map { listener in
                let notes: [String?] = [listener.name == "listen" ? nil : listener.name, listener.activated ? "by systemd" : nil]
                let note = notes.compactMap { $0 }.joined(separator: ", ")
                return note.isEmpty ? listener.address : "\(listener.address) (\(note))"
            })
    }

    private mutating func traffic(_ status: GetStatus.Reply, _ earlier: Earlier?) {
        addLine("tunnels", "\(status.tunnelsActive) in use, \(status.tunnelsTotal) opened since the start")
        var text = ""
        if let earlier {
            func rate(_ count: (GetStatus.Reply) -> Int) -> String {
                Amount.rate(count(status), since: count(earlier.status), within: earlier.interval)
            }
            text = "in \(rate(\.bytesReceived)), out \(rate(\.bytesSent)); "
        }
        text += "since the start \(Amount.bytes(status.bytesReceived)) and \(Amount.bytes(status.bytesSent))"
        addLine("traffic", text)
    }

    private mutating func datagrams(_ status: GetStatus.Reply) {
        guard let dropped = status.droppedDatagrams, dropped > 0 else { return }
        add("datagrams", ["\(dropped) dropped since the start"], manner.doubtful)
    }

    private mutating func pool(_ pool: Control.Pool, _ mode: Control.Mode) {
        switch mode {
        case .server: addLine("idle", Amount.count(pool.idle, "tunnel") + " that clients keep open")
        case .client:
            let (bar, text) = PoolText.line(pool, manner)
            let barWidth = (bar.idle + bar.opening + bar.empty).count + 1
            let lines = Printable.wrapped(text, to: room - barWidth)
            addLine(
                "pool",
                manner.good(bar.idle) + manner.doubtful(bar.opening) + manner.faint(bar.empty) + " " + (lines.first ?? ""))
            for line in lines.dropFirst() { addLine("", String(repeating: " ", count: barWidth) + line) }
        }
    }

    private mutating func rejects(_ status: GetStatus.Reply) {
        guard let rejects = status.rejects else { return }
        let causes = Control.Rejects.Field.allCases.filter { rejects[$0] > 0 }.map { "\(rejects[$0]) \(Self.label($0))" }
        guard !causes.isEmpty else { return addLine("rejects", "none") }
        add("rejects", [causes.joined(separator: ", ")], manner.doubtful)
    }

    private static func label(_ field: Control.Rejects.Field) -> String {
        switch field {
        case .replay: "replayed"
        case .expired: "expired"
        case .badAuthentication: "wrong key"
        case .malformed: "malformed"
        case .forbiddenTarget: "forbidden target"
        case .overLimit: "over a limit"
        case .droppedDatagrams: "datagrams dropped"
        }
    }

    private mutating func keys(_ status: GetStatus.Reply) {
        let keys = status.keys ?? []
        // A screen has no room for more; `wstanctl keys` shows them all.
        let shown = keys.count > Self.keysShown ? keys.prefix(Self.keysShown - 1) : keys[...]
        let nameWidth = shown.map { Printable.width(Printable.text($0.name)) }.max() ?? 0
        let lines = shown.map { key in
            Printable.padded(Printable.text(key.name), to: min(nameWidth, 20)) + "  \(Printable.text(key.id))  "
                + KeyTable.line(key, now: now)
        }
        for (index, line) in lines.enumerated() { addLine(index == 0 ? "keys" : "", fitted(line)) }
        if shown.count < keys.count { addLine("", "and \(keys.count - shown.count) more: wstanctl keys") }
    }

    private static let keysShown = 8

    private func fitted(_ line: String) -> String {
        Printable.cut(line, to: room, mark: manner.mark)
    }
}

/// A client's pool in one line.
enum PoolText {
    typealias Bar = (idle: String, opening: String, empty: String)

    static func line(_ pool: Control.Pool, _ manner: Manner) -> (bar: Bar, text: String) {
        var text = "\(pool.idle) of \(pool.size) idle"
        if pool.opening > 0 { text += ", \(pool.opening) opening" }
        if let share = share(pool) { text += "; \(share) hits" }
        if let roundTrip = pool.rttUSec { text += "; \(Amount.roundTrip(microseconds: roundTrip)) round trip" }
        return (bar(pool, manner), text)
    }

    static func lines(_ pool: Control.Pool, _ mode: Control.Mode, _ manner: Manner) -> [String] {
        guard mode == .client else { return [Amount.count(pool.idle, "tunnel") + " that clients keep open"] }
        let bar = bar(pool, manner)
        return [
            "\(manner.good(bar.idle))\(manner.doubtful(bar.opening))\(manner.faint(bar.empty)) \(pool.idle) of \(pool.size)",
            "  idle        \(pool.idle)",
            "  opening     \(pool.opening)",
            "  size        \(pool.size)",
            "  hits        \(pool.hits)" + (share(pool).map { " (\($0))" } ?? ""),
            "  misses      \(pool.misses)",
            "  round trip  " + (pool.rttUSec.map { Amount.roundTrip(microseconds: $0) } ?? "not known yet"),
        ]
    }

    /// How many were served from it; nil before the first.
    static func share(_ pool: Control.Pool) -> String? {
        let total = Double(pool.hits) + Double(pool.misses)
        guard pool.hits >= 0, pool.misses >= 0, total > 0 else { return nil }
        // Rounded down: 100% is all of them.
        return "\(Int(Double(pool.hits) / total * 100))%"
    }

    private static func bar(_ pool: Control.Pool, _ manner: Manner) -> Bar {
        let width = 16
        let whole = Double(max(pool.size, pool.idle, 1))
        // What there is shows, however little it is.
        func cells(_ count: Int, atMost room: Int) -> Int {
            count <= 0 ? 0 : min(room, max(1, Int(min(Double(count) / whole, 1) * Double(width))))
        }
        let idle = cells(pool.idle, atMost: width)
        let opening = cells(pool.opening, atMost: width - idle)
        let marks = manner.hasSymbols ? ("█", "▒", "·") : ("#", "+", ".")
        return (
            String(repeating: marks.0, count: idle), String(repeating: marks.1, count: opening),
            String(repeating: marks.2, count: width - idle - opening)
        )
    }
}
