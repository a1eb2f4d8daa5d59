/// The marks as text, a line per key, with their digest in the last line.
///
///     wstan replay marks 1
///     0123456789abcdef 1763683230
///     sha256 HEX
///
/// The numbers are seconds since the epoch, rounded up.
package enum ReplayWatermarkCodec {
    /// More than any file of ours has.
    package static let fileSize = 64 * 1024

    private static let header = "wstan replay marks 1\n"
    /// Beyond it a number is no time, and no whole number of seconds either.
    private static let latest: Int64 = 1 << 52

    package static func encode(_ marks: ReplayWatermarks.Table) -> [UInt8] {
        var text = header
        for (key, mark) in marks.map({ ($0.key.description, $0.value) }).sorted(by: { $0.0 < $1.0 }) {
            guard let seconds = Int64(exactly: mark.rounded(.up)) else { continue }
            text += "\(key) \(seconds)\n"
        }
        return ChecksumLine.append(to: Array(text.utf8))
    }

    /// - Returns: nil for what is not whole and ours.
    package static func decode(_ bytes: [UInt8]) -> ReplayWatermarks.Table? {
        guard bytes.count <= fileSize, let body = ChecksumLine.body(of: bytes), body.starts(with: header.utf8) else {
            return nil
        }
        var marks: ReplayWatermarks.Table = [:]
        for line in body.dropFirst(header.utf8.count).split(separator: 10) {
            let fields = line.split(separator: 32, omittingEmptySubsequences: false)
            guard fields.count == 2, let text = String(validating: fields[0], as: UTF8.self),
                let key = KeyID(text: text),
                let digits = String(validating: fields[1], as: UTF8.self), let seconds = Int64(digits),
                (0...latest).contains(seconds)
            else { return nil }
            marks[key] = Double(seconds)
        }
        return marks
    }
}
