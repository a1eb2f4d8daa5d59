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
        // The head, a blank line, the table's titles, and the footer.
        let rows = scroll.rows(of: table.count - 1, height: height.map { $0 - 4 } ?? table.count)
        let lines =
            [manner.strong(fitted(head, manner)), "", table[0]] + table[1...][rows.lowerBound + 1..<rows.upperBound + 1]
        return Picture(lines: lines, footer: fitted(footer(rows), manner))
    }

    private var head: String {
        let used = tunnels.count { $0.state != .idle }
        var text = "\(Printable.text(title)): \(Amount.count(tunnels.count, "tunnel")), \(used) in use"
        if let flow { text += "; " + flow.text }
        if let order { text += "; by \(order.rawValue)" }
        return text
    }

    private func footer(_ rows: Range<Int>) -> String {
        let seen = rows.count < tunnels.count ? ["\(rows.lowerBound + 1)-\(rows.upperBound) of \(tunnels.count)"] : []
        let orders = order == nil ? [] : TunnelOrder.allCases.map { "\($0.key) \($0.rawValue)" }
        return (seen + ["q quit"] + orders).joined(separator: "  ")
    }

    private func fitted(_ line: String, _ manner: Manner) -> String {
        manner.width.map { Printable.cut(line, to: $0, mark: manner.mark) } ?? line
    }
}
