import WstanBase

/// Takes a head apart into its first line and its fields.
struct HeadReader {
    /// With blanks in place of what must not be in a field.
    private(set) var bytes: [UInt8]
    private(set) var firstLine = 0..<0
    private(set) var fields: [HTTPHead.Field] = []
    private let kind: HTTPHead.Kind
    /// Whether the first line ends in LF alone.
    private var endsInLF = false
    /// Whether the line before is a field, which the next one may continue.
    private var mayFold = false

    init(_ bytes: [UInt8], as kind: HTTPHead.Kind) throws(HTTPHead.Failure) {
        self.bytes = bytes
        self.kind = kind
        var start = 0
        while let end = self.bytes[start...].firstIndex(of: 10) {
            let hasCR = end > start && self.bytes[end - 1] == 13
            let line = takeLine(start..<end)
            start = end + 1
            if firstLine.isEmpty {
                // RFC 9112 section 2.2: empty lines before the first one are overlooked.
                if !line.isEmpty { try takeFirst(line, endsInLF: !hasCR) }
            } else {
                // Section 2.2: LF alone may end a line. In a request it does only where it ends the first line too:
                // between other lines, a reader before us may have taken it for a part of a field.
                guard hasCR || endsInLF || kind == .answer else { throw .lineEnd }
                if line.isEmpty { break }
                try take(line)
            }
        }
        guard !firstLine.isEmpty else { throw .notHTTP }
    }

    /// A line without the CR before its LF. In an answer without all CRs there and, as `HeadEnd` has it, before the first line;
    /// one within the line counts as a blank, as does a NUL (section 2.2, and RFC 9110 section 5.5).
    private mutating func takeLine(_ range: Range<Int>) -> Range<Int> {
        guard kind == .answer else { return bytes[range].last == 13 ? range.dropLast() : range }
        let end = bytes[range].lastIndex { $0 != 13 }.map { $0 + 1 } ?? range.lowerBound
        let start = firstLine.isEmpty ? bytes[range].firstIndex { $0 != 13 } ?? end : range.lowerBound
        for index in start..<end where bytes[index] == 0 || bytes[index] == 13 { bytes[index] = 32 }
        return start..<end
    }

    private mutating func takeFirst(_ line: Range<Int>, endsInLF: Bool) throws(HTTPHead.Failure) {
        guard !hasControls(line) else { throw .lineEnd }
        firstLine = line
        self.endsInLF = endsInLF
    }

    private mutating func take(_ line: Range<Int>) throws(HTTPHead.Failure) {
        if bytes[line.lowerBound].isBlank, kind == .answer { return fold(line) }
        guard fields.count < kind.mostFields else { throw .tooManyFields(kind.mostFields) }
        let field = field(in: line)
        if let field { fields.append(field) }
        mayFold = field != nil
        // What is no field in an answer is left out: it means nothing, and must not mean something to the next reader.
        guard mayFold || kind == .answer else {
            throw hasControls(line) ? .lineEnd : .field(beginning(of: line))
        }
    }

    /// Section 5.1: a token, in an answer with blanks behind it, which are no part of the name; a colon, a value.
    private func field(in line: Range<Int>) -> HTTPHead.Field? {
        guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")), !hasControls(line) else { return nil }
        let before = bytes[line.lowerBound..<colon]
        let name = kind == .answer ? before.trimmed : before
        guard !name.isEmpty, name.allSatisfy(HTTPHead.isTokenByte) else { return nil }
        return HTTPHead.Field(name: name.indices, value: bytes[(colon + 1)..<line.upperBound].trimmed.indices)
    }

    /// Section 5.2: a line that begins with a blank continues the field before it, with blanks for what stands between.
    /// Where there is no such field it is left out (section 2.2).
    private mutating func fold(_ line: Range<Int>) {
        let more = bytes[line].trimmed.indices
        guard mayFold, let value = fields.last?.value, !more.isEmpty else { return }
        for index in value.upperBound..<more.lowerBound { bytes[index] = 32 }
        let start = value.isEmpty ? more.lowerBound : value.lowerBound
        fields[fields.count - 1].value = start..<more.upperBound
    }

    /// What may be shown of a line: nothing of a value, which may be a secret.
    private func beginning(of line: Range<Int>) -> String {
        let name = bytes[line].prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "=") }
        return Printable.ascii(name.prefix(40))
    }

    private func hasControls(_ line: Range<Int>) -> Bool {
        bytes[line].contains { $0 == 0 || $0 == 13 }
    }
}
