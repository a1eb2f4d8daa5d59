import WstanBase

/// The header that every datagram bears between a user agent and the relay (RFC 1928 section 7).
enum Socks5Datagram {
    /// - Returns: nil for what has to be dropped: a fragment, since reassembly is optional and they are not in use, or
    ///   something that is no such datagram.
    static func read(_ bytes: UnsafeRawBufferPointer) -> Datagram? {
        var reader = ByteReader(bytes)
        // Reserved. FRAG behind it must be 0, which is how an address begins elsewhere.
        guard reader.readInteger(UInt16.self) == 0 else { return nil }
        return try? Datagram.read(reader.readRest())
    }

    static func encode(_ datagram: Datagram) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2 + 260 + datagram.data.count)
        bytes.append(integer: UInt16(0))
        datagram.address.encode(into: &bytes)
        bytes.append(contentsOf: datagram.data)
        return bytes
    }
}
