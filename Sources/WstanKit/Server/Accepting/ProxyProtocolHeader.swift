import WstanBase

/// The header of haproxy's PROXY protocol, version 1 or 2, with which a front begins a connection to say whose it is.
/// Of what it tells only the source is kept.
enum ProxyProtocolHeader: Equatable {
    /// The front speaks for itself, as in a health check, or cannot tell for whom: the connection's own address counts.
    case local
    case proxied(ClientAddress)

    /// - Returns: nil when bytes are missing; the reader is then where it was.
    /// - Throws: `.malformed` or `.tooLarge` when no further byte could make it a header.
    static func read(_ reader: inout ByteReader) throws(WireError) -> ProxyProtocolHeader? {
        var ahead = reader
        var first = reader
        guard let byte = first.readByte() else { return nil }
        guard let header = try byte == text[0] ? readText(&ahead) : readBinary(&ahead) else { return nil }
        reader = ahead
        return header
    }

    // MARK: Version 1 (section 2.1)

    private static let text = Array("PROXY ".utf8)
    /// With its CRLF.
    private static let longestText = 107

    private static func readText(_ reader: inout ByteReader) throws(WireError) -> ProxyProtocolHeader? {
        var ahead = reader
        let seen = ahead.readRest().prefix(longestText)
        guard isStart(seen, of: text) else { throw .malformed }
        guard let end = seen.firstIndex(of: 10) else {
            guard seen.count < longestText else { throw .malformed }
            return nil
        }
        guard let line = reader.readBytes(end + 1), line.count >= 2, line[end - 1] == 13 else { throw .malformed }
        return try header(
            words: String(decoding: line.dropLast(2), as: UTF8.self).split(
                separator: " ", omittingEmptySubsequences: false))
    }

    /// "PROXY", the protocol, both addresses, both ports.
    private static func header(words: [Substring]) throws(WireError) -> ProxyProtocolHeader {
        guard words.count >= 2 else { throw .malformed }
        // What follows it is to be ignored.
        if words[1] == "UNKNOWN" { return .local }
        guard words.count == 6, let source = port(words[4]), port(words[5]) != nil else { throw .malformed }
        switch words[1] {
        case "TCP4":
            guard let address = IPv4Address(text: words[2]), IPv4Address(text: words[3]) != nil else {
                throw .malformed
            }
            return .proxied(ClientAddress(ipv4: address, port: source))
        case "TCP6":
            guard let address = IPv6Address(text: words[2]), IPv6Address(text: words[3]) != nil else {
                throw .malformed
            }
            return .proxied(ClientAddress(ipv6: address, port: source))
        default:
            throw .malformed
        }
    }

    /// No sign and no leading zero.
    private static func port(_ text: Substring) -> UInt16? {
        UInt16(text).flatMap { String($0) == text ? $0 : nil }
    }

    // MARK: Version 2 (section 2.2)

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    private enum Command: UInt8 {
        case local = 0
        case proxy = 1
    }

    private static func readBinary(_ reader: inout ByteReader) throws(WireError) -> ProxyProtocolHeader? {
        var ahead = reader
        guard isStart(ahead.readRest().prefix(signature.count), of: signature) else { throw .malformed }
        guard reader.readBytes(signature.count) != nil, let versionAndCommand = reader.readByte() else { return nil }
        guard versionAndCommand >> 4 == 2, let command = Command(rawValue: versionAndCommand & 15) else {
            throw .malformed
        }
        guard let family = reader.readByte(), let length = reader.readInteger(UInt16.self) else { return nil }
        guard length <= ServerLimits.proxyHeader else { throw .tooLarge }
        guard let block = reader.readBytes(Int(length)) else { return nil }
        switch command {
        case .local: return .local
        case .proxy: return try header(family: family, block)
        }
    }

    /// The source and destination addresses, both ports, and then TLVs, which are passed over.
    private static func header(family: UInt8, _ block: UnsafeRawBufferPointer) throws(WireError) -> ProxyProtocolHeader {
        var reader = ByteReader(block)
        switch family {
        case 0x11:
            guard let source = reader.readInteger(UInt32.self), reader.readBytes(4) != nil,
                let port = reader.readInteger(UInt16.self), reader.readBytes(2) != nil
            else { throw .malformed }
            return .proxied(ClientAddress(ipv4: IPv4Address(source), port: port))
        case 0x21:
            guard let high = reader.readInteger(UInt64.self), let low = reader.readInteger(UInt64.self),
                reader.readBytes(16) != nil, let port = reader.readInteger(UInt16.self), reader.readBytes(2) != nil
            else { throw .malformed }
            return .proxied(ClientAddress(ipv6: IPv6Address(high: high, low: low), port: port))
        default:
            // Unspecified, UDP and Unix sockets: valid, and of no use here.
            guard family >> 4 <= 3, family & 15 <= 2 else { throw .malformed }
            return .local
        }
    }

    /// Whether `bytes` are a beginning of `whole`, or begin with it.
    private static func isStart(_ bytes: some Collection<UInt8>, of whole: [UInt8]) -> Bool {
        bytes.prefix(whole.count).elementsEqual(whole.prefix(bytes.count))
    }
}
