import Foundation

/// The Swift files under Sources, as text.
struct SourceTree {
    struct File {
        /// From Sources on, such as `WstanKit/Wire/Key.swift`.
        let path: String
        let lines: [Substring]
        /// The lines without comments and without what stands in string literals.
        let code: String

        /// The room within WstanKit, to which its folders belong; nil for the programs.
        var room: String? {
            let parts = path.split(separator: "/")
            return parts.first == "WstanKit" && parts.count >= 3 ? String(parts[1]) : nil
        }

        /// `import X`, however it is adorned, and `import struct X.Y`.
        var imports: [String] {
            let pattern = /^(?:@?[a-z_A-Z]+ )*import (?:(?:typealias|struct|class|enum|protocol|let|var|func) )?(\w+)/
            return lines.filter { $0.contains("import ") }.compactMap {
                $0.firstMatch(of: pattern).map { String($0.output.1) }
            }
        }

        /// What is declared at column 0.
        var declaredTypes: [String] { types(declaredAt: /^(?:[a-z@]+ )*(?:class|struct|enum|protocol|actor) (\w+)/) }

        /// What is declared within something else.
        var nestedTypes: [String] {
            types(declaredAt: /^ +(?:[a-z@]+ )*(?:class|struct|enum|protocol|actor|typealias) (\w+)/)
        }

        private func types(declaredAt pattern: Regex<(Substring, Substring)>) -> [String] {
            lines.compactMap { line in
                line.hasPrefix("import") || line.contains(" import ")
                    ? nil : line.firstMatch(of: pattern).map { String($0.output.1) }
            }
        }

        /// The comment that the file begins with or that stands before its first declaration.
        var headComment: String {
            lines.prefix { !$0.contains("{") }.filter { $0.hasPrefix("//") }.joined(separator: "\n")
        }
    }

    let files: [File]

    init() throws {
        let root = Repository.file("Sources")
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".swift") }
        files = try paths.sorted().map { path in
            let text = try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
            return File(
                path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false),
                code: Self.code(of: text))
        }
    }

    func files(in room: String) -> [File] { files.filter { $0.room == room } }

    /// The words of a file that begin with a capital and are not members (`.Name`), which could be nested types.
    static func typeNames(in code: String) -> Set<String> {
        var names: Set<String> = []
        var word: [UInt8] = []
        var before = UInt8(ascii: " ")
        var last = before
        func isWord(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
        }
        for byte in Array(code.utf8) + [32] {
            if isWord(byte) {
                if word.isEmpty { before = last }
                word.append(byte)
            } else if let first = word.first {
                if (65...90).contains(first), before != UInt8(ascii: ".") {
                    names.insert(String(decoding: word, as: UTF8.self))
                }
                word.removeAll()
            }
            last = byte
        }
        return names
    }

    /// Simple, and enough for our style: line comments, and literals without their interpolations' own quotes.
    static func code(of text: String) -> String {
        var code: [UInt8] = []
        var isInBlock = false
        for line in text.utf8.split(separator: 10, omittingEmptySubsequences: false) {
            // A literal of several lines goes as a whole.
            if String(Substring(line)).contains("\"\"\"") {
                isInBlock.toggle()
                continue
            }
            if isInBlock { continue }
            var isInLiteral = false
            var depth = 0
            var previous = UInt8(ascii: " ")
            for byte in line {
                let isEscaped = previous == UInt8(ascii: "\\")
                if isInLiteral, depth == 0 {
                    if byte == UInt8(ascii: "\""), !isEscaped { isInLiteral = false }
                    if byte == UInt8(ascii: "("), isEscaped { depth = 1 }
                    previous = isEscaped ? UInt8(ascii: " ") : byte
                    if byte == UInt8(ascii: "\\"), isEscaped { previous = UInt8(ascii: " ") }
                    continue
                }
                if depth > 0 {
                    if byte == UInt8(ascii: "(") { depth += 1 }
                    if byte == UInt8(ascii: ")") { depth -= 1 }
                } else if byte == UInt8(ascii: "\"") {
                    isInLiteral = true
                } else if byte == UInt8(ascii: "/"), previous == byte {
                    break
                }
                code.append(byte)
                previous = byte
            }
            code.append(10)
        }
        return String(decoding: code, as: UTF8.self)
    }
}
