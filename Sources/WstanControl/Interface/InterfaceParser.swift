/// Reads the text of an interface (UAPI.20, "Grammar").
public struct InterfaceParser {
    public struct Failure: Error, Equatable {
        public let line: Int
        public let text: String
    }

    /// Types within types; nobody writes more.
    private static let deepest = 16
    private static let longestText = 256 * 1024

    private let bytes: [UInt8]
    private var place = 0

    private var types: [String: InterfaceDescription.FieldType] = [:]
    private var methods: [String: InterfaceDescription.Method] = [:]
    private var errors: [String: [InterfaceDescription.Field]] = [:]
    /// Names that were used before they were looked for, with their lines.
    private var used: [(name: String, line: Int)] = []

    fileprivate init(_ text: String) {
        bytes = Array(text.utf8)
    }

    fileprivate mutating func parse() throws(Failure) -> InterfaceDescription {
        guard bytes.count <= Self.longestText else { throw failure("it is too long") }
        guard try word("the word interface") == "interface" else { throw failure("it begins with interface") }
        let name = try word("the interface's name")
        guard Self.isInterfaceName(name) else { throw failure("\(name) is no name of an interface") }
        while true {
            skipSpace()
            guard place < bytes.count else { break }
            try member()
        }
        for use in used where types[use.name] == nil {
            throw Failure(line: use.line, text: "there is no type \(use.name)")
        }
        return InterfaceDescription(name: name, types: types, methods: methods, errors: errors)
    }

    private mutating func member() throws(Failure) {
        let kind = try word("type, method or error")
        let name = try word("a name")
        guard Self.isName(name) else { throw failure("\(name) is no name: it begins with a capital") }
        guard types[name] == nil, methods[name] == nil, errors[name] == nil else { throw failure("\(name) comes twice") }
        switch kind {
        case "type": types[name] = try parenthesis(depth: 0)
        case "error": errors[name] = try structure()
        case "method":
            let parameters = try structure()
            try expect("-")
            try expect(">")
            methods[name] = InterfaceDescription.Method(parameters: parameters, reply: try structure())
        default: throw failure("\(kind) is not type, method or error")
        }
    }

    private mutating func structure() throws(Failure) -> [InterfaceDescription.Field] {
        guard case .structure(let fields) = try parenthesis(depth: 0) else { throw failure("fields have types") }
        return fields
    }

    /// Of an enumeration or a structure; what is empty is a structure.
    private mutating func parenthesis(depth: Int) throws(Failure) -> InterfaceDescription.FieldType {
        guard depth < Self.deepest else { throw failure("types stand too deep within types") }
        try expect("(")
        var names: [String] = []
        var fields: [InterfaceDescription.Field] = []
        if consume(")") { return .structure([]) }
        repeat {
            let name = try word("the name of a field")
            guard Self.isFieldName(name) else { throw failure("\(name) is no name of a field") }
            guard !names.contains(name) else { throw failure("\(name) comes twice") }
            names.append(name)
            guard consume(":") else { continue }
            fields.append(InterfaceDescription.Field(name: name, type: try type(depth: depth + 1)))
        } while consume(",")
        try expect(")")
        guard fields.isEmpty || fields.count == names.count else { throw failure("some fields have no type") }
        return fields.isEmpty ? .enumeration(names) : .structure(fields)
    }

    private mutating func type(depth: Int) throws(Failure) -> InterfaceDescription.FieldType {
        guard depth < Self.deepest else { throw failure("types stand too deep within types") }
        if consume("?") {
            let inner = try type(depth: depth + 1)
            if case .nullable = inner { throw failure("a type cannot be nullable twice") }
            return .nullable(inner)
        }
        if consume("[") {
            if consume("]") { return .array(try type(depth: depth + 1)) }
            guard try word("string or ]") == "string" else { throw failure("maps have strings for keys") }
            try expect("]")
            return .map(try type(depth: depth + 1))
        }
        skipSpace()
        if place < bytes.count, bytes[place] == UInt8(ascii: "(") { return try parenthesis(depth: depth + 1) }
        let name = try word("a type")
        switch name {
        case "bool": return .bool
        case "int": return .int
        case "float": return .float
        case "string": return .string
        case "object": return .object
        case "any": return .any
        default:
            guard Self.isName(name) else { throw failure("\(name) is no type") }
            used.append((name, line))
            return .named(name)
        }
    }

    // MARK: Words and signs

    private var line: Int { 1 + bytes[..<place].count { $0 == 10 } }

    private func failure(_ text: String) -> Failure { Failure(line: line, text: text) }

    private mutating func skipSpace() {
        while place < bytes.count {
            switch bytes[place] {
            case 9, 10, 13, 32: place += 1
            case UInt8(ascii: "#"): place = bytes[place...].firstIndex(of: 10) ?? bytes.count
            default: return
            }
        }
    }

    private mutating func consume(_ sign: Character) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == sign.asciiValue else { return false }
        place += 1
        return true
    }

    private mutating func expect(_ sign: Character) throws(Failure) {
        guard consume(sign) else { throw failure("expected \(sign)") }
    }

    private mutating func word(_ wanted: String) throws(Failure) -> String {
        skipSpace()
        let start = place
        while place < bytes.count, Self.isWord(bytes[place]) {
            // The arrow of a method may follow a name at once.
            if bytes[place] == UInt8(ascii: "-"), place + 1 < bytes.count, bytes[place + 1] == UInt8(ascii: ">") { break }
            place += 1
        }
        guard place > start else { throw failure("expected \(wanted)") }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "-")
    }

    /// `[A-Z][A-Za-z0-9]*`
    private static func isName(_ word: String) -> Bool {
        guard let first = word.utf8.first, (65...90).contains(first) else { return false }
        return word.utf8.allSatisfy { isLetter($0) || isDigit($0) }
    }

    /// `[A-Za-z](_?[A-Za-z0-9])*`
    private static func isFieldName(_ word: String) -> Bool {
        let parts = word.utf8.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard let first = word.utf8.first, isLetter(first) else { return false }
        return parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { isLetter($0) || isDigit($0) } }
    }

    /// `[A-Za-z]([-]*[A-Za-z0-9])*(\.[A-Za-z0-9]([-]*[A-Za-z0-9])*)+`
    static func isInterfaceName(_ word: String) -> Bool {
        let parts = word.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count >= 2, let first = word.utf8.first, isLetter(first) else { return false }
        return parts.allSatisfy { part in
            guard let first = part.first, let last = part.last else { return false }
            return (isLetter(first) || isDigit(first)) && (isLetter(last) || isDigit(last))
                && part.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }
}

extension InterfaceDescription {
    public init(_ text: String) throws(InterfaceParser.Failure) {
        var parser = InterfaceParser(text)
        self = try parser.parse()
    }
}
