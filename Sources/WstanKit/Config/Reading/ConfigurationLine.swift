/// One line of a configuration file that says something, taken apart but not understood.
struct ConfigurationLine: Equatable {
    enum Content: Equatable {
        case section(String)
        /// The name as written; columns count from 1.
        case entry(name: String, value: String, valueColumn: Int)
    }

    let number: Int
    let column: Int
    let content: Content
}

/// Bytes to lines: the dialect of Python's ConfigParser without its continuation lines and its `%` interpolation.
struct ConfigurationText {
    let path: String
    private(set) var lines: [ConfigurationLine] = []
    private(set) var diagnostics = DiagnosticList()

    init(_ bytes: [UInt8], path: String) {
        self.path = path
        guard bytes.count <= ConfigurationBounds.fileSize else {
            diagnostics.add(
                .error, at: .file(path),
                "larger than 1 MiB (\(ConfigurationBounds.fileSize) bytes), which no configuration is: check the path")
            return
        }
        if TextEncoding.isWide(bytes) {
            diagnostics.add(.error, at: .file(path), TextEncoding.wideText)
            return
        }
        // Windows editors put the byte order mark there; without this it would become part of the first name.
        var rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        var number = 1
        while !rest.isEmpty, !diagnostics.isFull {
            let line = rest.prefix { $0 != 0x0A }
            read(line.last == 0x0D ? line.dropLast() : line, number: number)
            rest = rest.dropFirst(line.count + 1)
            number += 1
        }
    }

    private mutating func read(_ bytes: ArraySlice<UInt8>, number: Int) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let column = Self.validScalars(bytes) + 1
            complain(number, column, "not UTF-8: save the file as UTF-8")
            return
        }
        // Scalars, not characters: a combining mark after a delimiter would hide it.
        let scalars = Array(text.unicodeScalars)
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return }
        if scalars[first] == "#" || scalars[first] == ";" { return }
        if let control = scalars.firstIndex(where: { $0.value == 0x7F || ($0.value < 0x20 && $0 != "\t") }) {
            complain(number, control + 1, "a control character: remove it")
            return
        }
        if scalars[first] == "[" {
            guard scalars[last] == "]", last > first + 1 else {
                complain(number, first + 1, "not a section: write [name] and nothing else on the line")
                return
            }
            add(number, first, .section(Self.trimmed(scalars[(first + 1)..<last]).text))
            return
        }
        // The first of the two, as ConfigParser has it: a key's base64 ends in "=", a URI holds ":".
        guard let delimiter = scalars.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
            complain(number, first + 1, "no '=' in this line: write name = value, or begin it with # for a comment")
            return
        }
        guard delimiter > first else {
            complain(number, first + 1, "no name before the '\(scalars[delimiter])': write name = value")
            return
        }
        if let hidden = scalars[..<delimiter].firstIndex(where: TextEncoding.isInvisible) {
            complain(number, hidden + 1, "an invisible character before the '\(scalars[delimiter])': remove it")
            return
        }
        let value = Self.trimmed(scalars[(delimiter + 1)...])
        let name = Self.trimmed(scalars[first..<delimiter]).text
        add(number, first, .entry(name: name, value: value.text, valueColumn: value.start + 1))
    }

    private mutating func add(_ number: Int, _ start: Int, _ content: ConfigurationLine.Content) {
        lines.append(ConfigurationLine(number: number, column: start + 1, content: content))
    }

    private mutating func complain(_ number: Int, _ column: Int, _ text: String) {
        diagnostics.add(.error, at: .line(path, line: number, column: column), text)
    }

    private static func trimmed(_ scalars: ArraySlice<Unicode.Scalar>) -> (text: String, start: Int) {
        let rest = scalars.drop { $0.properties.isWhitespace }
        let end = rest.lastIndex { !$0.properties.isWhitespace }
        let kept = end.map { rest[...$0] } ?? []
        return (String(String.UnicodeScalarView(kept)), rest.isEmpty ? scalars.startIndex : rest.startIndex)
    }

    private static func validScalars(_ bytes: ArraySlice<UInt8>) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var count = 0
        while case .scalarValue = decoder.decode(&iterator) { count += 1 }
        return count
    }
}
