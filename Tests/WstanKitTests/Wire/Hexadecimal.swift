/// Bytes as the vectors and the RFCs print them.
struct Hexadecimal {
    let bytes: [UInt8]

    /// Blanks are ignored; anything else that is not hexadecimal is a mistake in the test.
    init(_ text: String) {
        let digits = text.filter { !$0.isWhitespace }.map { $0.hexDigitValue ?? 0 }
        precondition(digits.count % 2 == 0, "half a byte")
        bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
