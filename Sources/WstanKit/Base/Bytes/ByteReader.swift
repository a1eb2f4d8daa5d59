/// Reads integers and byte runs from the front of a buffer, never past its end.
///
/// Every read answers nil when too few bytes are left and then leaves the position alone, so a decoder that works on a
/// copy of the reader has put it back by simply dropping the copy.
@usableFromInline package struct ByteReader {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline package private(set) var position = 0

    @inlinable package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    @inlinable package var remaining: Int { bytes.count - position }

    @inlinable package mutating func readByte() -> UInt8? {
        guard remaining >= 1 else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// Big-endian, as every integer of the protocol.
    @inlinable package mutating func readInteger<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T? {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { return nil }
        defer { position += size }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    @inlinable package mutating func readBytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, remaining >= count else { return nil }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    @inlinable package mutating func readRest() -> UnsafeRawBufferPointer {
        defer { position = bytes.count }
        return UnsafeRawBufferPointer(rebasing: bytes[position...])
    }
}

extension Array where Element == UInt8 {
    /// `withUnsafeBytes` that keeps the type of what `body` throws.
    @inlinable package func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBytes { bytes in Result { () throws(E) -> R in try body(bytes) } }.get()
    }

    /// Reads from the front, and drops what was read.
    ///
    /// - Throws: what `read` throws; nothing is dropped then.
    @inlinable package mutating func consume<R, E: Error>(_ read: (inout ByteReader) throws(E) -> R) throws(E) -> R {
        var used = 0
        let result = try withBytes { (bytes) throws(E) in
            var reader = ByteReader(bytes)
            defer { used = reader.position }
            return try read(&reader)
        }
        removeFirst(used)
        return result
    }

    /// Appends an integer in network order.
    @inlinable package mutating func append<T: FixedWidthInteger>(integer: T) {
        Swift.withUnsafeBytes(of: integer.bigEndian) { append(contentsOf: $0) }
    }
}
