/// The bytes of a fuzzer, taken from the front as choices. When they are used up, every choice is the first one.
struct FuzzInput {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
    }

    var isOver: Bool { bytes.isEmpty }

    mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    mutating func flag() -> Bool { byte() & 1 == 1 }

    /// Below `bound`, which is at most 256.
    mutating func below(_ bound: Int) -> Int { Int(byte()) % bound }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
        (0..<MemoryLayout<T>.size).reduce(0) { value, _ in value << 8 | T(truncatingIfNeeded: byte()) }
    }

    mutating func choice<T>(of values: [T]) -> T { values[below(values.count)] }

    /// `count` bytes, or what is left.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { bytes = bytes.dropFirst(count) }
        return Array(bytes.prefix(count))
    }

    mutating func rest() -> [UInt8] {
        defer { bytes = [] }
        return Array(bytes)
    }

    mutating func text() -> String { String(decoding: rest(), as: UTF8.self) }

    /// Sizes of pieces into which bytes are to be cut: some are cut in many, some in few.
    mutating func cuts() -> Cuts { Cuts(sizes: take(4).map { Int($0) }) }
}

/// Cuts bytes into pieces, of the given sizes in turn; a size of 0 is an empty piece.
struct Cuts {
    private let sizes: [Int]

    init(sizes: [Int]) {
        // Only empty pieces would never come to an end.
        self.sizes = sizes.contains { $0 > 0 } ? sizes : sizes + [1]
    }

    static let none = Cuts(sizes: [.max])
    static let everywhere = Cuts(sizes: [1])

    /// At least one piece, which may be empty; each stands in memory of its own, so that reading past its end is seen.
    func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        // What is long is cut into pieces of a few hundred bytes, or a fuzzer would do nothing else.
        let scale = bytes.count > 4096 ? 251 : 1
        repeat {
            let size = sizes[pieces.count % sizes.count].multipliedReportingOverflow(by: scale)
            let end = start + (size.overflow ? bytes.count - start : min(bytes.count - start, size.partialValue))
            pieces.append(Array(bytes[start..<end]))
            start = end
        } while start < bytes.count
        return pieces
    }
}
