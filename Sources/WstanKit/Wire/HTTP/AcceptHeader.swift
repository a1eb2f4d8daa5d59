/// What a user agent likes to get (RFC 9110 section 12.5.1).
struct AcceptHeader: Equatable {
    /// Whether it names text/html and does not rule it out. One that takes anything at all (`*/*`) is a program.
    let takesHTML: Bool

    init(_ head: HTTPHead) {
        let ranges = head.listItems(of: "Accept") ?? []
        takesHTML = ranges.contains { range in
            let parts = range.split(separator: UInt8(ascii: ";")).map(\.trimmed)
            guard parts.first?.elementsEqual("text/html".utf8) == true else { return false }
            return !parts.dropFirst().contains(where: Self.isZeroWeight)
        }
    }

    /// `q=0`, `q=0.`, `q=0.000` (section 12.4.2).
    private static func isZeroWeight(_ parameter: ArraySlice<UInt8>) -> Bool {
        parameter.starts(with: "q=0".utf8) && parameter.dropFirst(3).allSatisfy { $0 == 46 || $0 == 48 }
    }
}
