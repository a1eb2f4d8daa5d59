/// A user of this host, not looked up yet.
public enum LocalUser: Sendable, Equatable {
    case number(UInt32)
    case name(String)

    /// Reads numbers and names, with commas or blanks between them.
    package static func list(_ text: String) throws(ValueProblem) -> [LocalUser] {
        var users: [LocalUser] = []
        for item in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            users.append(try LocalUser(item.utf8))
        }
        guard !users.isEmpty else { throw ValueProblem("names no user: leave it out to accept every user") }
        return users
    }

    /// Reads the name or the number of a group, for which the same rules hold.
    package static func group(_ text: String) throws(ValueProblem) -> String {
        switch try? LocalUser(text[...].utf8) {
        case .number(let number): return String(number)
        case .name(let name) where !name.contains(","): return name
        case .name, nil: throw ValueProblem("takes the name or the number of one group of this host")
        }
    }

    private init(_ text: Substring.UTF8View) throws(ValueProblem) {
        if text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            // (uid_t)-1 is what system calls take for "no user".
            guard let number = UInt32(Substring(text)), number != .max else {
                throw ValueProblem("takes numbers of users up to \(UInt32.max - 1)")
            }
            self = .number(number)
            return
        }
        let isName =
            text.count <= ConfigurationBounds.userNameLength && text.first != UInt8(ascii: "-")
            && text.allSatisfy { (0x21...0x7E).contains($0) && !":/#;\"'".utf8.contains($0) }
        guard isName else { throw ValueProblem("takes names and numbers of this host's users") }
        self = .name(String(decoding: text, as: UTF8.self))
    }
}

extension LocalUser: CustomStringConvertible {
    public var description: String {
        switch self {
        case .number(let number): String(number)
        case .name(let name): name
        }
    }
}
