/// Rows that line up and fit a terminal: first long texts are shortened, then columns are left out.
struct Table {
    struct Column {
        enum Side { case left, right }

        let title: String
        let side: Side
        /// How short its texts may become; nil: they stay whole.
        let least: Int?
        /// The columns of the highest rank are left out first; those of rank 0 last of all.
        let rank: Int

        init(_ title: String, _ side: Side = .left, least: Int? = nil, rank: Int = 0) {
            self.title = title
            self.side = side
            self.least = least
            self.rank = rank
        }
    }

    /// The titles, and a line for every row.
    private(set) var lines: [String] = []
    private static let gap = 2

    /// - Parameter rows: as many texts as there are columns.
    init(_ columns: [Column], _ rows: [[String]], manner: Manner) {
        let rows = rows.map { $0.map(Printable.text) }
        var widths = columns.indices.map { column in
            (rows.map { Printable.width($0[column]) } + [columns[column].title.count]).max() ?? 0
        }
        var shown = Array(columns.indices)
        if let width = manner.width { Self.fit(&widths, &shown, columns, to: width) }
        lines = [Self.line(columns.map(\.title), columns, shown, widths, manner)]
        lines += rows.map { Self.line($0, columns, shown, widths, manner) }
    }

    private static func fit(_ widths: inout [Int], _ shown: inout [Int], _ columns: [Column], to width: Int) {
        func excess() -> Int { shown.reduce(gap * (shown.count - 1) - width) { $0 + widths[$1] } }
        let natural = widths
        while true {
            widths = natural
            shorten(&widths, shown, columns, by: excess())
            let dispensable = shown.filter { columns[$0].rank > 0 }.max { columns[$0].rank < columns[$1].rank }
            guard excess() > 0, let dispensable else { return }
            shown.removeAll { $0 == dispensable }
        }
    }

    /// Takes from the widest first.
    private static func shorten(_ widths: inout [Int], _ shown: [Int], _ columns: [Column], by excess: Int) {
        var excess = excess
        while excess > 0 {
            let widest = shown.filter { widths[$0] > columns[$0].least ?? .max }.max { widths[$0] < widths[$1] }
            guard let widest else { return }
            widths[widest] -= 1
            excess -= 1
        }
    }

    private static func line(
        _ cells: [String], _ columns: [Column], _ shown: [Int], _ widths: [Int], _ manner: Manner
    ) -> String {
        var line = ""
        for column in shown {
            if !line.isEmpty { line += String(repeating: " ", count: gap) }
            let cell = Printable.shortened(cells[column], to: widths[column], mark: manner.mark)
            let blank = String(repeating: " ", count: max(0, widths[column] - Printable.width(cell)))
            line += columns[column].side == .left ? cell + blank : blank + cell
        }
        while line.last == " " { line.removeLast() }
        guard let width = manner.width else { return line }
        return Printable.cut(line, to: width, mark: manner.mark)
    }
}
