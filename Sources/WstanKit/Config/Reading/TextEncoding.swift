/// What a file is in that was not saved as UTF-8.
enum TextEncoding {
    /// How much is looked at where nothing marks it.
    private static let looked = 48

    /// Whether it is UTF-16 or UTF-32: by its byte order mark, or since every other byte of ASCII is zero there.
    static func isWide(_ bytes: [UInt8]) -> Bool {
        let marks: [[UInt8]] = [[0xFF, 0xFE], [0xFE, 0xFF], [0, 0, 0xFE, 0xFF]]
        if marks.contains(where: bytes.starts(with:)) { return true }
        guard bytes.count >= 4 else { return false }
        return [0, 1].contains { start in
            stride(from: start, to: min(bytes.count, looked), by: 2).allSatisfy { bytes[$0] == 0 }
        }
    }

    static let wideText = "is encoded as UTF-16 or UTF-32: save it as UTF-8"

    /// What has no width or turns the direction of writing, such as a byte order mark that stands within a file.
    static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isDefaultIgnorableCodePoint && scalar.properties.generalCategory == .format
    }
}
