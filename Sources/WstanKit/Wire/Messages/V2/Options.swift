import WstanBase

/// The options of one message, in the order in which they came, each at most once. Those that are not known are left out.
struct Options: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        let type: OptionType
        let value: [UInt8]
    }

    private(set) var entries: [Entry] = []
    /// The first type that is not known and must be: P1 is refused for it, M2 is an impostor's, a request or an OK is answered
    /// with RESET 7.
    private(set) var unknownCritical: UInt16?

    var isEmpty: Bool { entries.isEmpty }

    subscript(type: OptionType) -> [UInt8]? { entries.first { $0.type == type }?.value }

    func has(_ type: OptionType) -> Bool { entries.contains { $0.type == type } }

    /// The big-endian number at `offset` of a value.
    func integer<T: FixedWidthInteger>(_ type: OptionType, at offset: Int = 0) -> T? {
        guard let value = self[type] else { return nil }
        return value.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard reader.readBytes(offset) != nil else { return nil }
            return reader.readInteger(T.self)
        }
    }

    mutating func set(_ type: OptionType, _ value: [UInt8]) {
        precondition(type.takes(value.count), "a value of this option has another length")
        precondition(!has(type), "an option is sent once")
        entries.append(Entry(type: type, value: value))
    }

    mutating func set(_ type: OptionType, integer: some FixedWidthInteger) {
        var value: [UInt8] = []
        value.append(integer: integer)
        set(type, value)
    }

    /// Whether there are options of other types. Unknown ones do not count.
    func hasOther(than types: [OptionType]) -> Bool { entries.contains { !types.contains($0.type) } }

    // MARK: On the wire

    /// opt_len(u16) and the options.
    func encode(into bytes: inout [UInt8]) {
        let size = entries.reduce(0) { $0 + 4 + $1.value.count }
        precondition(size <= LimitsV2.options, "options are bounded")
        bytes.append(integer: UInt16(truncatingIfNeeded: size))
        for entry in entries {
            bytes.append(integer: entry.type.rawValue)
            bytes.append(integer: UInt16(truncatingIfNeeded: entry.value.count))
            bytes.append(contentsOf: entry.value)
        }
    }

    /// Reads opt_len(u16) and as many bytes.
    static func read(_ reader: inout ByteReader) throws(Violation) -> Options {
        guard let size = reader.readInteger(UInt16.self) else { throw .truncated }
        guard size <= LimitsV2.options else { throw .optionsTooLong }
        guard size > 0 else { return Options() }
        guard let list = reader.readBytes(Int(size)) else { throw .truncated }
        return try Options(list)
    }

    init() {}

    private init(_ list: UnsafeRawBufferPointer) throws(Violation) {
        var reader = ByteReader(list)
        while reader.remaining > 0 {
            guard let number = reader.readInteger(UInt16.self), let count = reader.readInteger(UInt16.self),
                let value = reader.readBytes(Int(count))
            else { throw .truncated }
            guard let type = OptionType(rawValue: number) else {
                if number & OptionType.critical != 0 { unknownCritical = unknownCritical ?? number }
                continue
            }
            guard !has(type) else { throw .optionTwice }
            try type.check(value)
            entries.append(Entry(type: type, value: Array(value)))
        }
    }
}
