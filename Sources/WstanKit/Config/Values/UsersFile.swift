/// Who may use the client, and the hashes of their passwords: a file of `name:hash` lines.
///
/// Hashes are those of crypt(5), as `mkpasswd` and `htpasswd -B` write them. Nothing weaker is taken, and no password as
/// it is.
public struct UsersFile: Sendable, Equatable {
    public struct User: Sendable, Equatable {
        /// At most 255 bytes, which is what RFC 1929 has room for.
        public let name: [UInt8]
        public let hash: String
    }

    /// In the order of the file; never empty.
    public let users: [User]
    /// Lines that cannot be used. Their users cannot use the client, the others can.
    public let warnings: [Diagnostic]

    /// - Throws: why it lets in no user, each line with what is wrong with it.
    public init(_ bytes: [UInt8], path: String) throws(Failure) {
        var draft = Draft(path: path)
        draft.read(bytes)
        guard !draft.diagnostics.hasErrors else { throw Failure(diagnostics: draft.diagnostics.all) }
        users = draft.users
        warnings = draft.diagnostics.all
    }

    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let diagnostics: [Diagnostic]

        package init(diagnostics: [Diagnostic]) {
            self.diagnostics = diagnostics
        }
        public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
    }
}

/// A users file while it is read.
private struct Draft {
    let path: String
    var users: [UsersFile.User] = []
    var diagnostics = DiagnosticList()
    private var lineOf: [[UInt8]: Int] = [:]

    init(path: String) {
        self.path = path
    }

    mutating func read(_ bytes: [UInt8]) {
        guard bytes.count <= ConfigurationBounds.usersFileSize else {
            diagnostics.add(
                .error, at: .file(path), "larger than \(ConfigurationBounds.usersFileSize / 1024) KiB: check the path")
            return
        }
        guard !TextEncoding.isWide(bytes) else {
            diagnostics.add(.error, at: .file(path), TextEncoding.wideText)
            return
        }
        var rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        var number = 1
        while !rest.isEmpty, !diagnostics.isFull {
            let line = rest.prefix { $0 != 0x0A }
            read(line: line, number)
            rest = rest.dropFirst(line.count + 1)
            number += 1
        }
        diagnostics.close(file: path)
        if users.isEmpty {
            diagnostics.add(.error, at: .file(path), "has no user: a line is name:hash, and htpasswd -B makes one")
        }
    }

    private mutating func read(line: ArraySlice<UInt8>, _ number: Int) {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        let start = line.drop(while: isBlank)
        let text = start.prefix((start.lastIndex { !isBlank($0) } ?? start.startIndex - 1) - start.startIndex + 1)
        guard let first = text.first, first != UInt8(ascii: "#") else { return }
        func complain(_ column: Int, _ text: String) {
            diagnostics.add(.warning, at: .line(path, line: number, column: column), "line ignored: \(text)")
        }
        let column = start.startIndex - line.startIndex + 1
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
            return complain(column, "it has no colon; a line is name:hash, and htpasswd -B makes one")
        }
        let name = Array(text[..<colon])
        guard (1...255).contains(name.count), name.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return complain(column, "a name has 1 to 255 bytes and no control character")
        }
        let hash = text[(colon + 1)...]
        if let problem = HashForm.problem(of: hash) {
            return complain(column + name.count + 1, problem)
        }
        if let earlier = lineOf[name] {
            return complain(column, "line \(earlier) has this name already; remove one of them")
        }
        lineOf[name] = number
        users.append(UsersFile.User(name: name, hash: String(decoding: hash, as: UTF8.self)))
    }
}

/// What a hash looks like, so far that a password put in its place, or half a hash, is noticed at the start.
private enum HashForm {
    /// Prefix, and the length of what stands behind the last `$`.
    private static let known: [(prefix: String, lengths: ClosedRange<Int>)] = [
        ("$y$", 43...43), ("$gy$", 43...43), ("$7$", 43...43), ("$6$", 86...86), ("$5$", 43...43),
        // The salt and the hash stand together.
        ("$2a$", 53...53), ("$2b$", 53...53), ("$2y$", 53...53),
    ]

    /// What htpasswd makes without -B, and others that are easily guessed, or that crypt(3) does not know.
    private static let weak: [(prefix: String, name: String)] = [
        ("$apr1$", "MD5 of Apache ($apr1$), which htpasswd makes without -B,"), ("{SHA}", "SHA-1 ({SHA})"),
        ("{SSHA}", "SHA-1 ({SSHA})"), ("$1$", "MD5 ($1$)"), ("{PLAIN}", "a password as it is ({PLAIN})"),
    ]

    /// nil when it is one.
    static func problem(of hash: ArraySlice<UInt8>) -> String? {
        guard let form = known.first(where: { hash.starts(with: $0.prefix.utf8) }) else {
            if let kind = weak.first(where: { hash.starts(with: $0.prefix.utf8) })?.name {
                return "\(kind) is not supported; make the hash with htpasswd -B or mkpasswd"
            }
            return "it has no known hash, and a password is not taken as it is; make a hash with htpasswd -B or mkpasswd"
        }
        guard hash.allSatisfy({ isSymbol($0) }) else {
            return "a hash has only letters, digits and ./$=, and nothing may follow it; a line is name:hash"
        }
        let last = hash.reversed().prefix { $0 != UInt8(ascii: "$") }.count
        guard form.lengths.contains(last), hash.count > form.prefix.utf8.count + last else {
            return "the hash is cut off; copy all of what htpasswd or mkpasswd prints"
        }
        return nil
    }

    private static func isSymbol(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "./$=,".utf8.contains(byte)
        }
    }
}
