/// Reads a JSON text (RFC 8259). Stricter than it must be: no name twice in an object, no half of a surrogate pair.
public struct JSONReader {
    /// What is held of a text that somebody else has written.
    public struct Bounds: Sendable {
        public let depth: Int
        /// Values in all, names of members included.
        public let values: Int

        public init(depth: Int, values: Int) {
            self.depth = depth
            self.values = values
        }

        /// A call: no method takes more than a few fields, and a list of states.
        public static let call = Bounds(depth: 16, values: 2048)
        public static let reply = Bounds(depth: 16, values: 262_144)
    }

    public enum Failure: Error, Equatable {
        /// Not JSON at this byte.
        case malformed(at: Int)
        case tooDeep
        case tooMany
    }

    private let bytes: ArraySlice<UInt8>
    private let bounds: Bounds
    private var place: Int
    private var count = 0

    private init(_ bytes: ArraySlice<UInt8>, _ bounds: Bounds) {
        self.bytes = bytes
        self.bounds = bounds
        place = bytes.startIndex
    }

    /// The value that the whole of `bytes` is.
    public static func read(_ bytes: [UInt8], within bounds: Bounds) throws(Failure) -> JSONValue {
        var reader = JSONReader(bytes[...], bounds)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.next == nil else { throw reader.malformed }
        return value
    }

    private var next: UInt8? { place < bytes.endIndex ? bytes[place] : nil }
    private var malformed: Failure { .malformed(at: place) }

    private mutating func consume(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 32 || byte == 9 || byte == 10 || byte == 13 { place += 1 }
    }

    private mutating func countOne() throws(Failure) {
        count += 1
        guard count <= bounds.values else { throw .tooMany }
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard depth <= bounds.depth else { throw .tooDeep }
        try countOne()
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        let expected = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard bytes[place...].starts(with: expected) else { throw malformed }
        place += expected.count
        return value
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONObject {
        place += 1
        var object = JSONObject()
        var names: Set<String> = []
        skipSpace()
        if consume(UInt8(ascii: "}")) { return object }
        while true {
            skipSpace()
            try countOne()
            let name = try string()
            guard names.insert(name).inserted else { throw malformed }
            skipSpace()
            guard consume(UInt8(ascii: ":")) else { throw malformed }
            object.append(name, try value(depth: depth + 1))
            skipSpace()
            if consume(UInt8(ascii: "}")) { return object }
            guard consume(UInt8(ascii: ",")) else { throw malformed }
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> [JSONValue] {
        place += 1
        var values: [JSONValue] = []
        skipSpace()
        if consume(UInt8(ascii: "]")) { return values }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if consume(UInt8(ascii: "]")) { return values }
            guard consume(UInt8(ascii: ",")) else { throw malformed }
        }
    }

    // MARK: Numbers (section 6)

    private mutating func number() throws(Failure) -> JSONValue {
        let start = place
        _ = consume(UInt8(ascii: "-"))
        if !consume(UInt8(ascii: "0")) { try digits() }
        var isWhole = true
        if consume(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if consume(UInt8(ascii: "e")) || consume(UInt8(ascii: "E")) {
            isWhole = false
            if !consume(UInt8(ascii: "+")) { _ = consume(UInt8(ascii: "-")) }
            try digits()
        }
        // No number that means something is longer, and converting takes a multiple of its length.
        guard place - start <= 400 else { throw malformed }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw malformed }
        return .number(value)
    }

    private mutating func digits() throws(Failure) {
        let start = place
        while let byte = next, (48...57).contains(byte) { place += 1 }
        guard place > start else { throw malformed }
    }

    // MARK: Strings (section 7)

    private mutating func string() throws(Failure) -> String {
        guard consume(UInt8(ascii: "\"")) else { throw malformed }
        var content: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: content, as: UTF8.self) else { throw malformed }
                place += 1
                return string
            case UInt8(ascii: "\\"):
                place += 1
                try escape(into: &content)
            case 0..<32:
                throw malformed
            default:
                let start = place
                while let byte = next, byte >= 32, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { place += 1 }
                content += bytes[start..<place]
            }
        }
        throw malformed
    }

    private mutating func escape(into content: inout [UInt8]) throws(Failure) {
        guard let byte = next else { throw malformed }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(8)
        case UInt8(ascii: "f"): content.append(12)
        case UInt8(ascii: "n"): content.append(10)
        case UInt8(ascii: "r"): content.append(13)
        case UInt8(ascii: "t"): content.append(9)
        case UInt8(ascii: "u"): content += Array(String(Character(try character())).utf8)
        default: throw malformed
        }
    }

    private mutating func character() throws(Failure) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xd800..<0xdc00).contains(first), consume(UInt8(ascii: "\\")), consume(UInt8(ascii: "u")) else {
            throw malformed
        }
        let second = try hexadecimal()
        guard (0xdc00..<0xe000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
        else { throw malformed }
        return scalar
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 128 else {
                throw malformed
            }
            value = value << 4 | UInt32(digit)
            place += 1
        }
        return value
    }
}
