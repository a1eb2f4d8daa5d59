/// Which rows of a list that is longer than the screen are seen.
struct Scroll {
    private var first = 0
    private var visible = 1

    /// - Returns: whether the key moves the list.
    mutating func press(_ key: PressedKey) -> Bool {
        switch key {
        case .up: move(by: -1)
        case .down: move(by: 1)
        case .pageUp, .character("b"): move(by: -visible)
        case .pageDown, .character(" "): move(by: visible)
        case .home: first = 0
        // `rows` finds the last page.
        case .end: first = .max
        case .character: return false
        }
        return true
    }

    /// Several keys may come before `rows` sets the bounds.
    private mutating func move(by rows: Int) {
        let (moved, isBeyond) = first.addingReportingOverflow(rows)
        first = isBeyond ? .max : max(0, moved)
    }

    /// The rows that are seen, of `count` in the room for `height`.
    mutating func rows(of count: Int, height: Int) -> Range<Int> {
        visible = max(1, height)
        first = max(0, min(first, count - visible))
        return first..<min(first + visible, count)
    }
}

/// What is drawn on a whole screen.
struct Picture {
    /// They stay on the terminal when the program ends.
    var lines: [String]
    /// The last line, which does not.
    var footer: String?
}
