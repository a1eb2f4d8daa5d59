extension Unicode.Scalar {
    /// Whether a reader sees it, in its place, and a terminal does nothing but print it. Not so: controls (C0, DEL, C1), bidirectional
    /// controls, tags, what has no width, separators of lines and paragraphs, and code points without a character.
    ///
    /// `Printable.isShown` of the daemon is the same; a test compares the two.
    public var isShown: Bool {
        if isASCII { return (0x20...0x7E).contains(value) }
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return false
        default: return !properties.isDefaultIgnorableCodePoint
        }
    }
}
