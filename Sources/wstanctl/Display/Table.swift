/// Rows that line up and fit a terminal. First long texts are shortened or broken, then columns are left out, and only then texts
/// are shortened that one has come for.
struct Table {
    struct Column {
        enum Side { case left, right }

        /// What becomes of a text that is too long.
        enum Fit: Equatable {
            case whole
            /// It is shortened: to `least` before a column is left out, to `atLast` when no other can be.
            case shortened(least: Int, atLast: Int)
            /// It goes on below. For the last column.
            case broken(least: Int, atLast: Int)
        }

        let title: String
        let side: Side
        let fit: Fit
        /// The columns of the highest rank are left out first; those of rank 0 never.
        let rank: Int

        init(_ title: String, _ side: Side = .left, _ fit: Fit = .whole, rank: Int = 0) {
            self.title = title
            self.side = side
            self.fit = fit
            self.rank = rank
        }

        init(_ title: String, _ side: Side = .left, least: Int, rank: Int = 0) {
            self.init(title, side, .shortened(least: least, atLast: least), rank: rank)
        }

        fileprivate var isBroken: Bool { if case .broken = fit { true } else { false } }

        /// How narrow it may become.
        fileprivate func least(_ isLast: Bool) -> Int {
            switch fit {
            case .whole: .max
            case .shortened(let least, let atLast), .broken(let least, let atLast): isLast ? atLast : least
            }
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
        lines += rows.flatMap { Self.broken($0, columns, shown, widths).map { Self.line($0, columns, shown, widths, manner) } }
    }

    private static func fit(_ widths: inout [Int], _ shown: inout [Int], _ columns: [Column], to width: Int) {
        func excess() -> Int { shown.reduce(gap * (shown.count - 1) - width) { $0 + widths[$1] } }
        let natural = widths
        while true {
            widths = natural
            shorten(&widths, shown, columns, by: excess())
            let dispensable = shown.filter { columns[$0].rank > 0 }.max { columns[$0].rank < columns[$1].rank }
            guard excess() > 0, let dispensable else { break }
            shown.removeAll { $0 == dispensable }
        }
        shorten(&widths, shown, columns, by: excess(), isLast: true)
    }

    /// Takes from what goes on below first, which loses nothing, then from the widest.
    private static func shorten(
        _ widths: inout [Int], _ shown: [Int], _ columns: [Column], by excess: Int, isLast: Bool = false
    ) {
        var excess = excess
        while excess > 0 {
            let shrinkable = shown.filter { widths[$0] > columns[$0].least(isLast) }
            let widest =
                shrinkable.first { columns[$0].isBroken } ?? shrinkable.max { widths[$0] < widths[$1] }
            guard let widest else { return }
            widths[widest] -= 1
            excess -= 1
        }
    }

    /// A row as the lines that it takes.
    private static func broken(_ cells: [String], _ columns: [Column], _ shown: [Int], _ widths: [Int]) -> [[String]] {
        guard let last = shown.last, columns[last].isBroken else { return [cells] }
        let texts = Printable.wrapped(cells[last], to: widths[last])
        guard texts.count > 1 else { return [cells] }
        return texts.enumerated().map { index, text in
            var line = index == 0 ? cells : cells.map { _ in "" }
            line[last] = text
            return line
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
