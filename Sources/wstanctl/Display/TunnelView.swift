import WstanControl

/// A list of tunnels on a whole screen: a head, the table, and a footer with what is seen of it and the keys.
struct TunnelView {
    private let title: String
    private let tunnels: [Control.Tunnel]
    /// Through all of them, in a second; nil: not known.
    private let flow: Flow?
    /// By the tunnels' numbers, in a second; nil: the table does not tell.
    private let flows: [Int: Flow]?
    private let order: TunnelOrder?

    init(_ tunnels: [Control.Tunnel], title: String, flow: Flow?) {
        self.title = title
        self.tunnels = tunnels
        self.flow = flow
        flows = nil
        order = nil
    }

    init(_ snapshot: TunnelSnapshot, title: String, by order: TunnelOrder) {
        self.title = title
        tunnels = order.sorted(snapshot)
        flow = snapshot.total
        flows = snapshot.flows
        self.order = order
    }

    /// - Parameters:
    ///   - height: of the screen; nil: all of it.
    ///   - scroll: which rows are seen.
    func picture(height: Int?, _ scroll: inout Scroll, now: Int, manner: Manner) -> Picture {
        let table = TunnelTable(tunnels, flows: flows, now: now, manner: manner).lines
        let head = head(height: height, manner)
        // The head, a blank line, the table's titles, and the footer.
        let rows = scroll.rows(of: table.count - 1, height: height.map { $0 - head.count - 3 } ?? table.count)
        let lines = head.map(manner.strong) + ["", table[0]] + table[1...][rows.lowerBound + 1..<rows.upperBound + 1]
        return Picture(lines: lines, footer: footer(rows, manner))
    }

    /// In several lines where one is too short, and the screen has room for that.
    private func head(height: Int?, _ manner: Manner) -> [String] {
        let used = tunnels.count { $0.state != .idle }
        let parts = [
            "\(Printable.text(title)): \(Amount.count(tunnels.count, "tunnel")), \(used) in use", flow?.text,
            order.map { "by \($0.rawValue)" },
        ].compactMap { $0 }
        guard let width = manner.width, height.map({ $0 > Self.lowScreen }) ?? true else {
            return [fitted(parts.joined(separator: "; "), manner)]
        }
        return Printable.joined(parts, by: "; ", to: width).map { fitted($0, manner) }
    }

    private static let lowScreen = 8

    /// What it has no room for is left out as a whole: the names of the orders first, of which the keys are the first letters.
    private func footer(_ rows: Range<Int>, _ manner: Manner) -> String {
        let seen = rows.count < tunnels.count ? ["\(rows.lowerBound + 1)-\(rows.upperBound) of \(tunnels.count)"] : []
        let orders = order == nil ? [] : TunnelOrder.allCases
        let named = orders.map { "\($0.key) \($0.rawValue)" }
        let brief = orders.isEmpty ? [] : ["sort: " + orders.map { String($0.key) }.joined(separator: " ")]
        let choices = [seen + ["q quit"] + named, seen + ["q quit"] + brief, ["q quit"] + brief, ["q quit"]]
        let lines = choices.map { $0.joined(separator: "  ") }
        return lines.first { fitted($0, manner) == $0 } ?? ""
    }

    private func fitted(_ line: String, _ manner: Manner) -> String {
        manner.width.map { Printable.cut(line, to: $0, mark: manner.mark) } ?? line
    }
}
