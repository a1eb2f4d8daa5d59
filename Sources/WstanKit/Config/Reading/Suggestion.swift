/// The nearest known word to a mistyped one.
enum Suggestion {
    /// ` (did you mean 'x'?)`, or nothing when no candidate is near enough.
    static func clause(for word: String, among candidates: [String], prefix: String = "") -> String {
        nearest(to: word, among: candidates).map { " (did you mean '\(prefix)\($0)'?)" } ?? ""
    }

    /// A third of the letters may be wrong. Ties go to the first candidate, so that the answer does not vary.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let letters = Array(word.utf8)
        guard !letters.isEmpty, letters.count <= ConfigurationBounds.suggestedWordLength else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(letters, Array(candidate.utf8))
            if distance <= max(1, letters.count / 3), distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    static func distance(_ from: [UInt8], _ into: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...into.count)
        for row in from.indices {
            var current = [row + 1]
            current.reserveCapacity(into.count + 1)
            for column in into.indices {
                let isSame = from[row] == into[column]
                var least = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, from[row] == into[column - 1], from[row - 1] == into[column] {
                    least = min(least, beforeLast[column - 1] + 1)
                }
                current.append(least)
            }
            beforeLast = last
            last = current
        }
        return last[into.count]
    }

    /// ` 'name'` when it looks like the name of a key; nothing otherwise, for it may be a key or a passphrase.
    static func quoted(_ name: String) -> String {
        let isName =
            name.utf8.count <= ConfigurationBounds.suggestedWordLength
            && name.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || "-_".utf8.contains($0) }
        return isName && !name.isEmpty ? " '\(name)'" : ""
    }
}
