/// Text from elsewhere, made fit for a log, a terminal or a page.
@usableFromInline package enum Printable {
    /// What could forge a line, move a cursor, turn the direction of writing or hide becomes a question mark.
    @inlinable package static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isShown($0) ? $0 : "?" }))
    }

    /// At most `limit` scalars of it, and three dots where there were more.
    @inlinable package static func line(_ text: String, limit: Int) -> String {
        let scalars = text.unicodeScalars
        let isLonger = scalars.dropFirst(limit).first != nil
        return line(String(scalars.prefix(limit))) + (isLonger ? "..." : "")
    }

    /// The same, left out.
    @inlinable package static func prose(_ text: some Sequence<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(text.filter(isShown)))
    }

    /// Without all that is not visible ASCII or a space.
    @inlinable package static func ascii(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.filter(isASCII), as: UTF8.self)
    }

    @inlinable package static func isASCII(_ byte: UInt8) -> Bool { (0x20...0x7e).contains(byte) }

    /// Whether a reader sees it, in its place, and a terminal does nothing but print it. Not so: controls (C0, DEL, C1), bidirectional
    /// controls, tags, what has no width, separators of lines and paragraphs, and code points without a character.
    ///
    /// `Unicode.Scalar.isShown` of WstanControl is the same for wstanctl; a test compares the two.
    @inlinable package static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return isASCII(UInt8(truncatingIfNeeded: scalar.value)) }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return false
        default: return !scalar.properties.isDefaultIgnorableCodePoint
        }
    }
}
