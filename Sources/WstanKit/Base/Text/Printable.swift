/// Text from elsewhere, made fit for a log, a terminal or a page.
@usableFromInline package enum Printable {
    /// Control characters, with which a text could forge a line or move a cursor, become question marks.
    @inlinable package static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "?" : $0 }))
    }

    /// At most `limit` scalars of it, and three dots where there were more.
    @inlinable package static func line(_ text: String, limit: Int) -> String {
        let scalars = text.unicodeScalars
        let isLonger = scalars.dropFirst(limit).first != nil
        return line(String(scalars.prefix(limit))) + (isLonger ? "..." : "")
    }

    /// Without control characters and what turns the direction of writing.
    @inlinable package static func prose(_ text: some Sequence<Unicode.Scalar>) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: continue
            default: shown.append(scalar)
            }
        }
        return String(shown)
    }

    /// Without all that is not visible ASCII or a space.
    @inlinable package static func ascii(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.filter(isASCII), as: UTF8.self)
    }

    @inlinable package static func isASCII(_ byte: UInt8) -> Bool { (0x20...0x7e).contains(byte) }

    /// C0, DEL and C1.
    @inlinable static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 32 || (127..<160).contains(scalar.value)
    }
}
