import WstanBase

/// The head of an HTTP/1.x message (RFC 9112): its first line and its fields, as they came.
package struct HTTPHead: Equatable {
    package enum Failure: Error, Equatable {
        case malformed
        case tooLarge
    }

    /// The head with its closing empty line.
    let bytes: [UInt8]
    private let firstLine: Range<Int>
    private let fields: [Field]

    private struct Field: Equatable {
        var name: Range<Int>
        var value: Range<Int>
    }

    /// A head has at most so many fields; no browser and no proxy sends half of that.
    private static let maxFields = 200
    private static let maxItems = 64

    /// - Parameter bytes: a head up to and including its empty line.
    init(_ bytes: [UInt8]) throws(Failure) {
        var lines: [Range<Int>] = []
        var start = 0
        while let end = Self.lineEnd(bytes, from: start) {
            if end == start { break }
            guard lines.count <= Self.maxFields else { throw .tooLarge }
            lines.append(start..<end)
            start = end + 2
        }
        guard let first = lines.first, !bytes[first].contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) else {
            throw .malformed
        }
        var fields: [Field] = []
        fields.reserveCapacity(lines.count - 1)
        for line in lines.dropFirst() {
            // Section 5.1: a token, no white space before the colon; a line that begins with white space is obsolete
            // folding.
            guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")), colon > line.lowerBound,
                bytes[line.lowerBound..<colon].allSatisfy(Self.isTokenByte),
                !bytes[line].contains(where: { $0 == 0 || $0 == 10 || $0 == 13 })
            else { throw .malformed }
            let value = bytes[(colon + 1)..<line.upperBound].trimmed.indices
            fields.append(Field(name: line.lowerBound..<colon, value: value))
        }
        self.bytes = bytes
        self.firstLine = first
        self.fields = fields
    }

    /// The three parts of a request line (section 3); nil if it is none.
    var requestLine: (method: ArraySlice<UInt8>, target: ArraySlice<UInt8>, version: ArraySlice<UInt8>)? {
        let parts = bytes[firstLine].split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, parts[0].allSatisfy(Self.isTokenByte),
            parts[2].starts(with: "HTTP/1.".utf8), parts[2].count == 8, (48...57).contains(parts[2].last ?? 0),
            parts[1].allSatisfy({ $0 > 0x20 && $0 != 0x7f })
        else { return nil }
        return (parts[0], parts[1], parts[2])
    }

    var isHEAD: Bool { requestLine?.method.elementsEqual("HEAD".utf8) ?? false }

    /// The status of a status line (section 4); nil if it is none.
    package var status: Int? {
        let line = bytes[firstLine]
        guard line.starts(with: "HTTP/1.".utf8), line.count >= 12, line[line.startIndex + 8] == UInt8(ascii: " ") else {
            return nil
        }
        let digits = line[(line.startIndex + 9)..<(line.startIndex + 12)]
        let rest = line.dropFirst(12)
        guard digits.allSatisfy({ (48...57).contains($0) }), rest.isEmpty || rest.first == UInt8(ascii: " ") else {
            return nil
        }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    /// What follows the status: the reason phrase, for people. It ends up in logs and terminals, so only what is
    /// visible.
    package var reason: String {
        Printable.ascii(bytes[firstLine].dropFirst(13).prefix(80))
    }

    /// The value of the only field of that name; nil if there is none, or more than one.
    package func value(of name: String) -> ArraySlice<UInt8>? {
        var found: Range<Int>?
        for field in fields where isNamed(field, name) {
            guard found == nil else { return nil }
            found = field.value
        }
        return found.map { bytes[$0] }
    }

    /// All values of the fields of that name, in their order.
    package func values(of name: String) -> [ArraySlice<UInt8>] {
        fields.filter { isNamed($0, name) }.map { bytes[$0.value] }
    }

    /// Every field with its name, in their order.
    var allFields: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        fields.map { (bytes[$0.name], bytes[$0.value]) }
    }

    /// The items of a field that is a list (RFC 9110 section 5.6.1), of all fields of that name, in lower case.
    ///
    /// - Returns: nil when there are more than anybody needs.
    func listItems(of name: String) -> [[UInt8]]? {
        var items: [[UInt8]] = []
        for value in values(of: name) {
            let parts = value.split(separator: UInt8(ascii: ","), maxSplits: Self.maxItems)
            // The last one has not been taken apart then, be the others blanks only.
            guard parts.count <= Self.maxItems else { return nil }
            for item in parts {
                let trimmed = item.trimmed
                if !trimmed.isEmpty { items.append(trimmed.map(Self.lowercased)) }
            }
            guard items.count <= Self.maxItems else { return nil }
        }
        return items
    }

    /// The x of `HTTP/1.x`, of a request or of an answer.
    var minorVersion: Int {
        let digit = status == nil ? bytes[firstLine].last : bytes[firstLine].dropFirst(7).first
        return Int(digit ?? 48) - 48
    }

    /// What follows the status, as it came but for what must not be in a line.
    var reasonBytes: [UInt8] {
        bytes[firstLine].dropFirst(13).filter { $0 >= 0x20 && $0 != 0x7f }
    }

    /// Whether a field that is a list of tokens has this one, in whatever case.
    func hasToken(_ token: String, in name: String) -> Bool {
        // No list that matters is long; taking a hostile one apart costs milliseconds.
        fields.contains { field in
            isNamed(field, name) && field.value.count <= 256
                && bytes[field.value].split(separator: UInt8(ascii: ",")).contains {
                    Self.isEqual($0.trimmed, token)
                }
        }
    }

    private func isNamed(_ field: Field, _ name: String) -> Bool {
        field.name.count == name.utf8.count && Self.isEqual(bytes[field.name], name)
    }

    static func isEqual(_ bytes: some Collection<UInt8>, _ text: String) -> Bool {
        bytes.elementsEqual(text.utf8) { lowercased($0) == lowercased($1) }
    }

    static func lowercased(_ byte: UInt8) -> UInt8 {
        (65...90).contains(byte) ? byte | 0x20 : byte
    }

    /// RFC 9110 section 5.6.2.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private static func lineEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + 1 < bytes.count {
            if bytes[index] == 13, bytes[index + 1] == 10 { return index }
            index += 1
        }
        return nil
    }
}

/// Every bound on what a message may make its reader do, apart from its head. The bound on heads is their reader's.
enum HTTPLimits {
    /// A chunk's size and its extensions.
    static let chunkLine = 1024
    /// All trailer fields of a message.
    static let trailers = 16 * 1024
    /// Interim answers to one request: each is a write of its own. A target that sends one every ten seconds to say
    /// that it works on it has hours.
    static let interimAnswers = 1000
}

/// The head of a message that is being put together.
struct MessageHead {
    private(set) var bytes: [UInt8]

    init(firstLine: [UInt8]) {
        bytes = firstLine
        endLine()
    }

    mutating func add(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
        bytes.append(contentsOf: name)
        bytes.append(contentsOf: ": ".utf8)
        bytes.append(contentsOf: value)
        endLine()
    }

    mutating func add(_ name: String, _ value: String) {
        add(name.utf8, value.utf8)
    }

    mutating func endLine() {
        bytes.append(13)
        bytes.append(10)
    }
}
