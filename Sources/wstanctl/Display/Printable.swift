import WstanControl

/// Text for a terminal. A target's name, to begin with, comes from whoever asked for it, and must not move the cursor,
/// hide what stands beside it or be read backwards.
enum Printable {
    static func text(_ text: String) -> String {
        guard !text.unicodeScalars.allSatisfy(\.isShown) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isShown ? $0 : "?" }))
    }

    /// Several lines, which may be indented by tabs.
    static func lines(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isShown || $0 == "\n" || $0 == "\t" ? $0 : "?" }))
    }

    /// Columns of a terminal that it takes.
    static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        // What East Asian scripts and emoji take two columns for (UAX 11, its large blocks).
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default:
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark: return 0
            default: return 1
            }
        }
    }

    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - Self.width(text)))
    }

    /// What fits, with a mark where something is missing. Its end is kept, since a port stands there.
    static func shortened(_ text: String, to width: Int, mark: String = "…") -> String {
        guard Self.width(text) > width else { return text }
        guard width > 1 else { return width == 1 ? mark : "" }
        let tail = width > 12 ? 6 : 0
        return prefix(text, width - 1 - tail) + mark + suffix(text, tail)
    }

    /// The line's beginning.
    static func cut(_ line: String, to width: Int, mark: String = "…") -> String {
        guard Self.width(line) > width else { return line }
        return width < 1 ? "" : prefix(line, width - 1) + mark
    }

    private static func prefix(_ text: String, _ width: Int) -> String {
        var left = width
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix { scalar in
                    left -= Self.width(scalar)
                    return left >= 0
                }))
    }

    private static func suffix(_ text: String, _ width: Int) -> String {
        var left = width
        let kept = text.unicodeScalars.reversed().prefix { scalar in
            left -= Self.width(scalar)
            return left >= 0
        }
        return String(String.UnicodeScalarView(kept.reversed()))
    }

    /// Lines of at most `width` columns, broken at spaces, and what has none behind a mark such as a slash.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        let words = text.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        for word in words.flatMap({ pieces(of: $0, to: width) }) {
            if line.isEmpty {
                line = word
            } else if Self.width(line) + 1 + Self.width(word) <= width {
                line += " " + word
            } else {
                lines.append(line)
                line = word
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// Parts of a text in lines of at most `width` columns, broken between them; a part that is wider has a line of its own.
    static func joined(_ parts: [String], by separator: String, to width: Int) -> [String] {
        var lines: [String] = []
        for part in parts {
            let longer = (lines.last ?? "") + separator + part
            if lines.isEmpty || Self.width(longer) > width { lines.append(part) } else { lines[lines.count - 1] = longer }
        }
        return lines
    }

    /// A word that is wider than a line, in pieces that end with a mark and fit, as far as it has marks.
    private static func pieces(of word: String, to width: Int) -> [String] {
        var pieces: [String] = []
        var rest = word
        while Self.width(rest) > width {
            let most = prefix(rest, width)
            guard let end = most.unicodeScalars.lastIndex(where: { "/,;:._-=".unicodeScalars.contains($0) }) else { break }
            let piece = String(most.unicodeScalars[...end])
            pieces.append(piece)
            rest = String(String.UnicodeScalarView(rest.unicodeScalars.dropFirst(piece.unicodeScalars.count)))
        }
        return pieces + [rest]
    }
}
