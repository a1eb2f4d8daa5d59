import WstanBase

/// The first line of an answer (RFC 9112 section 4), also as old and odd servers write it: in any case, of any version,
/// with more blanks or fewer, without a reason.
struct StatusLine: Equatable {
    /// Three digits.
    let status: Int
    /// Of HTTP/1; what is newer is no less than that.
    let minorVersion: Int
    let reason: ArraySlice<UInt8>

    /// How servers begin that speak HTTP/1.0 by another name: of internet radio, and of satellite corrections.
    private static let otherNames = ["ICY", "SOURCETABLE"]

    /// - Returns: nil for other lines.
    init?(_ line: ArraySlice<UInt8>) {
        let name = line.prefix { !$0.isBlank }
        let rest = line[name.endIndex...].drop(while: \.isBlank)
        let behind = rest.dropFirst(3)
        guard let minorVersion = Self.minorVersion(name), rest.count >= 3, rest.prefix(3).allSatisfy(Self.isDigit),
            !(behind.first.map(Self.isDigit) ?? false)
        else { return nil }
        self.minorVersion = minorVersion
        status = rest.prefix(3).reduce(0) { $0 * 10 + Int($1) - 48 }
        reason = behind.first?.isBlank ?? false ? behind.dropFirst() : behind
    }

    /// Whether a line may begin with these bytes; of what cannot, the end need not be awaited.
    static func mayBegin(_ bytes: some Collection<UInt8>) -> Bool {
        (["HTTP"] + otherNames).contains {
            HTTPHead.isEqual(bytes.prefix($0.utf8.count), String($0.prefix(bytes.count)))
        }
    }

    /// `HTTP`, `HTTP/2`, `HTTP/1.1`.
    private static func minorVersion(_ name: ArraySlice<UInt8>) -> Int? {
        if otherNames.contains(where: { HTTPHead.isEqual(name, $0) }) { return 0 }
        guard HTTPHead.isEqual(name.prefix(4), "HTTP") else { return nil }
        guard name.count > 4 else { return 0 }
        let numbers = name.dropFirst(5).split(
            separator: UInt8(ascii: "."), maxSplits: 2, omittingEmptySubsequences: false)
        guard name.dropFirst(4).first == UInt8(ascii: "/"), numbers.count <= 2,
            numbers.allSatisfy({ (1...3).contains($0.count) && $0.allSatisfy(isDigit) })
        else { return nil }
        switch (
            Int(String(decoding: numbers[0], as: UTF8.self)) ?? 0, numbers.dropFirst().first?.elementsEqual("0".utf8)
        ) {
        case (0, _), (1, nil), (1, true?): return 0
        default: return 1
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}
