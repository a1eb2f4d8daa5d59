extension ArraySlice<UInt8> {
    /// Without the spaces and tabs around it.
    @inlinable package var trimmed: ArraySlice<UInt8> {
        var text = self
        while let first = text.first, first.isBlank { text.removeFirst() }
        while let last = text.last, last.isBlank { text.removeLast() }
        return text
    }
}

extension UInt8 {
    /// A space or a tab.
    @inlinable package var isBlank: Bool { self == 32 || self == 9 }
}
