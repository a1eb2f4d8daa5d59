extension [String] {
    /// As in "a, b and c".
    @inlinable package func listed(_ conjunction: String = "and") -> String {
        guard count > 1, let last else { return joined() }
        return dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }
}
