import WstanBase

/// The head of an HTTP/1.x message (RFC 9112): its first line and its fields.
package struct HTTPHead: Equatable {
    /// Which message it begins, and so how it is read.
    package enum Kind {
        /// Strictly: what two readers could read in two ways is how requests are smuggled.
        case request
        /// Tolerantly, as RFC 9112 allows or demands: real servers send all of this, and it goes on written anew.
        case answer

        var mostFields: Int { self == .request ? HTTPLimits.requestFields : HTTPLimits.answerFields }
    }

    /// Why a message cannot be read. Texts are as much of what came as may be shown; numbers are the limits.
    package enum Failure: Error, Equatable {
        /// The first line begins no such message.
        case notHTTP
        /// Where an answer is awaited, a record of TLS begins.
        case inTLS
        /// A line that is no field, or that two readers could read in two ways: what stands before its colon.
        case field(String)
        /// LF alone between lines that end in CR LF, a CR that ends no line, or a NUL.
        case lineEnd
        case firstLineTooLong(Int)
        case tooLong(Int)
        case tooManyFields(Int)
        /// A field whose list has too many items.
        case list(String, Int)
        /// What `Content-Length` says: no number, or several.
        case length(String)
        /// A status below 100.
        case status(Int)
        /// A 101 that was not asked for.
        case unaskedUpgrade
        case interimAnswersTooLong(Int)
        /// The connection ended before the head did.
        case cutShort
        /// The framing of a chunk.
        case chunk
        case chunkLineTooLong(Int)
        case trailersTooLong(Int)
    }

    /// The head with its closing empty line; in an answer's, blanks stand for what must not be in a field.
    let bytes: [UInt8]
    private let firstLine: Range<Int>
    private let fields: [Field]

    struct Field: Equatable {
        var name: Range<Int>
        var value: Range<Int>
    }

    static let maxItems = 64

    /// - Parameter bytes: a head up to and including its empty line; empty lines before it are overlooked.
    init(_ bytes: [UInt8], as kind: Kind = .request) throws(Failure) {
        let reader = try HeadReader(bytes, as: kind)
        self.bytes = reader.bytes
        firstLine = reader.firstLine
        fields = reader.fields
    }

    var startLine: [UInt8] { Array(bytes[firstLine]) }

    /// The three parts of a request line (section 3); nil for other lines.
    var requestLine: (method: ArraySlice<UInt8>, target: ArraySlice<UInt8>, version: ArraySlice<UInt8>)? {
        let line = bytes[firstLine]
        let blank = UInt8(ascii: " ")
        guard let first = line.firstIndex(of: blank), let last = line.lastIndex(of: blank), first < last else { return nil }
        let (method, target, version) = (line[..<first], line[(first + 1)..<last], line[(last + 1)...])
        // A third blank would be one of the target.
        guard !method.isEmpty, !target.isEmpty, method.allSatisfy(Self.isTokenByte), version.starts(with: "HTTP/1.".utf8),
            version.count == 8, (48...57).contains(version.last ?? 0), target.allSatisfy({ $0 > 0x20 && $0 != 0x7f })
        else { return nil }
        return (method, target, version)
    }

    /// Three words, the last of which names a version; whether it is right is seen when the head is there.
    static func mayBeRequestLine(_ line: ArraySlice<UInt8>) -> Bool {
        let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count == 3 && parts[2].starts(with: "HTTP/".utf8)
    }

    /// The version that a request line names, if that is not HTTP/1.x: `HTTP/2.0` in the preface of HTTP/2.
    var otherVersion: String? {
        let version = bytes[firstLine].suffix(
            from: (bytes[firstLine].lastIndex(of: 32) ?? firstLine.lowerBound - 1) + 1)
        guard requestLine == nil, version.starts(with: "HTTP/".utf8), !version.starts(with: "HTTP/1.".utf8) else {
            return nil
        }
        return Printable.ascii(version.prefix(10))
    }

    var isHEAD: Bool { requestLine?.method.elementsEqual("HEAD".utf8) ?? false }

    private var statusLine: StatusLine? { StatusLine(bytes[firstLine]) }

    /// The status of a status line (section 4); nil for other lines.
    package var status: Int? { statusLine?.status }

    /// What follows the status: the reason phrase, for people. It ends up in logs and terminals, so only what is
    /// visible.
    package var reason: String {
        Printable.ascii((statusLine?.reason ?? []).prefix(80))
    }

    /// The value of the only field of that name; nil without one, and where there are several.
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
    /// - Returns: nil when there are more than `maxItems`.
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
        let line = bytes[firstLine]
        // A request line ends in it, so that nothing else of the line has to be read.
        if let digit = line.last, line.dropLast().suffix(8).elementsEqual(" HTTP/1.".utf8), !line.starts(with: "HTTP/".utf8) {
            return Int(digit) - 48
        }
        return statusLine?.minorVersion ?? 0
    }

    /// What follows the status, as it came but for what must not be in a line.
    var reasonBytes: [UInt8] {
        (statusLine?.reason ?? []).filter { $0 >= 0x20 && $0 != 0x7f }
    }

    /// Whether a field that is a list of tokens has this one, in whatever case.
    func hasToken(_ token: String, in name: String) -> Bool {
        fields.contains { field in
            // No list that matters is long; taking a hostile one apart costs milliseconds.
            guard isNamed(field, name), field.value.count <= 256 else { return false }
            let value = bytes[field.value]
            // Most lists have one item.
            return Self.isEqual(value, token)
                || value.split(separator: UInt8(ascii: ",")).contains { Self.isEqual($0.trimmed, token) }
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
}

/// Every bound on what a message may make its reader do, apart from the length of its head, which its reader bounds.
enum HTTPLimits {
    /// The fields of a request; browsers and proxies send less than half of that.
    static let requestFields = 200
    /// The fields of an answer: a site may set hundreds of cookies.
    static let answerFields = 1000
    /// A chunk's size and its extensions.
    static let chunkLine = 1024
    /// All trailer fields of a message.
    static let trailers = 16 * 1024
    /// The heads of all interim answers to one request together: each is a write of its own. A server that sends one every
    /// ten seconds to say that it works on it has days. How many they are says nothing.
    static let interimAnswers = 1 << 20
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
