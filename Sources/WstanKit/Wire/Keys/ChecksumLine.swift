import WstanBase

/// The last line of a file of ours, `sha256 HEX`: the digest of all lines before it.
enum ChecksumLine {
    private static let prefix = "sha256 "
    private static let count = prefix.utf8.count + 64 + 1

    static func append(to body: [UInt8]) -> [UInt8] {
        body + line(for: body)
    }

    /// - Returns: the lines before it; nil when they have another digest, or there is no such line.
    static func body(of bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count >= count else { return nil }
        let body = Array(bytes.dropLast(count))
        return bytes.suffix(count).elementsEqual(line(for: body)) ? body : nil
    }

    private static func line(for body: [UInt8]) -> [UInt8] {
        Array("\(prefix)\(Hex.encode(SHA256.digest(body)))\n".utf8)
    }
}
