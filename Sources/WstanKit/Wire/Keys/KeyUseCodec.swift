import WstanBase

/// How often each key was used and when last, as text for a file. A line of the format, a line `ID COUNT LAST` for each key in the
/// order of the ids, and the digest of all that. LAST is in microseconds since 1970, or `-`.
package enum KeyUseCodec {
    private static let header = "wstan key uses 1"
    /// A line is 58 bytes at most.
    package static let fileSize = 96 * 1024

    package static func encode(_ uses: [KeyID: KeyUse]) -> [UInt8] {
        let lines = uses.map { "\($0.key) \($0.value.count) \($0.value.last.map { "\($0.microseconds)" } ?? "-")" }
        return ChecksumLine.append(to: Array(([header] + lines.sorted()).joined(separator: "\n").utf8) + [10])
    }

    /// - Returns: nil when it is damaged, or of another format.
    package static func decode(_ bytes: [UInt8]) -> [KeyID: KeyUse]? {
        guard bytes.count <= fileSize, let body = ChecksumLine.body(of: bytes),
            let text = String(validating: body, as: UTF8.self)
        else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first?.elementsEqual(header) == true, lines.last?.isEmpty == true else { return nil }
        var uses: [KeyID: KeyUse] = [:]
        for line in lines.dropFirst().dropLast() {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count == 3, let id = KeyID(text: String(fields[0])), let count = UInt64(fields[1]),
                uses.count < KeyRingBounds.keys
            else { return nil }
            if fields[2] == "-" {
                uses[id] = KeyUse(count: count)
            } else {
                guard let last = Int64(fields[2]) else { return nil }
                uses[id] = KeyUse(count: count, last: CalendarTime(microseconds: last))
            }
        }
        return uses
    }
}
