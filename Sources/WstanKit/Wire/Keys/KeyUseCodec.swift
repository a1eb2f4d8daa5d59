import WstanBase

/// How often each key was used and when last, as text for a file. A line of the format, a line for each key in the order of the
/// ids, and the digest of all that.
///
///     wstan key uses 1
///     ID COUNT LAST
///     ID COUNT LAST SERVER TIME ...
///     sha256 HEX
///
/// LAST is in microseconds since 1970, or `-`. A user's key of version 2 was last used with the server's key SERVER at TIME; such
/// lines are of the format's version 2.
package enum KeyUseCodec {
    private static let headers = ["wstan key uses 1", "wstan key uses 2"]
    /// A line is 134 bytes at most.
    package static let fileSize = 6 * 1024 * 1024
    /// The current one and a former one.
    private static let mostServers = 2

    package static func encode(_ uses: [KeyID: KeyUse]) -> [UInt8] {
        let header = uses.values.allSatisfy(\.servers.isEmpty) ? headers[0] : headers[1]
        let lines = uses.map { id, use in
            let servers = use.servers.map { " \($0.key) \($0.value.microseconds)" }.sorted()
            return "\(id) \(use.count) \(use.last.map { "\($0.microseconds)" } ?? "-")" + servers.joined()
        }
        return ChecksumLine.append(to: Array(([header] + lines.sorted()).joined(separator: "\n").utf8) + [10])
    }

    /// - Returns: nil when it is damaged, or of another format.
    package static func decode(_ bytes: [UInt8]) -> [KeyID: KeyUse]? {
        guard bytes.count <= fileSize, let body = ChecksumLine.body(of: bytes),
            let text = String(validating: body, as: UTF8.self)
        else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let header = lines.first, headers.contains(where: header.elementsEqual), lines.last?.isEmpty == true
        else { return nil }
        var uses: [KeyID: KeyUse] = [:]
        for line in lines.dropFirst().dropLast() {
            guard let (id, use) = read(line), uses.count < KeyRingBounds.keys + KeyRingBounds.userKeys else { return nil }
            uses[id] = use
        }
        // There is one text for the same uses.
        return encode(uses) == bytes ? uses : nil
    }

    private static func read(_ line: Substring) -> (KeyID, KeyUse)? {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard (3...3 + 2 * mostServers).contains(fields.count), fields.count % 2 == 1, let id = KeyID(text: fields[0]),
            let count = UInt64(fields[1])
        else { return nil }
        var use = KeyUse(count: count)
        if fields[2] != "-" {
            guard let last = Int64(fields[2]) else { return nil }
            use.last = CalendarTime(microseconds: last)
        }
        for place in stride(from: 3, to: fields.count, by: 2) {
            guard let server = KeyID(text: fields[place]), let time = Int64(fields[place + 1]) else { return nil }
            use.servers[server] = CalendarTime(microseconds: time)
        }
        return (id, use)
    }
}
