import COpenSSL
import WstanBase

/// The 16 bytes at which a direction's key stream begins.
package struct Nonce: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The first 16 bytes; nil when there are fewer.
    init?(prefixOf bytes: [UInt8]) {
        let halves = bytes.withUnsafeBytes { buffer -> (UInt64, UInt64)? in
            var reader = ByteReader(buffer)
            guard let high = reader.readInteger(UInt64.self), let low = reader.readInteger(UInt64.self) else {
                return nil
            }
            return (high, low)
        }
        guard let halves else { return nil }
        (high, low) = halves
    }

    /// What tells a request by its tag of 10 bytes, where no nonce has a part in it.
    init?(tag: some Collection<UInt8>) {
        self.init(prefixOf: Array(tag) + [0, 0, 0, 0, 0, 0])
    }

    /// From a `Sec-WebSocket-Key`: the canonical base64 of exactly 16 bytes.
    init?(base64 text: some BidirectionalCollection<UInt8>) {
        guard let bytes = Base64.decode(text), bytes.count == 16 else { return nil }
        self.init(prefixOf: bytes)
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        bytes.append(integer: high)
        bytes.append(integer: low)
        return bytes
    }

    /// The counter `blocks` later: 128 bits, as the cipher counts.
    func advanced(by blocks: UInt64) -> Nonce {
        let (low, overflow) = low.addingReportingOverflow(blocks)
        return Nonce(high: high &+ (overflow ? 1 : 0), low: low)
    }

    var base64: String { Base64.encode(bytes) }

    /// The value that answers a `Sec-WebSocket-Key` (RFC 6455 section 4.2.2): 20 bytes.
    static func accept(forKey base64: some Sequence<UInt8>) -> [UInt8] {
        sha1(Array(base64) + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
    }

    /// Where the server's direction begins: in default mode it follows from the `Sec-WebSocket-Accept`...
    static func ofServer(accept: [UInt8]) -> Nonce? {
        accept.count == 20 ? Nonce(prefixOf: accept) : nil
    }

    /// ...and in compatible mode, where a proxy may have replaced the key header, from the client's nonce.
    var ofServerInCompatibleMode: Nonce? {
        Nonce(prefixOf: Self.sha1(bytes))
    }

    static func sha1(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { sha1($0) } }

    static func sha1(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        // SHA-1 is what the two protocols say; nothing here rests on it being free of collisions.
        let done = EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, digestMethod, nil)
        precondition(done == 1, "OpenSSL has no SHA-1")
        return digest
    }

    /// Fetched once: `EVP_sha1()` would be looked up, under a lock, at every use.
    private nonisolated(unsafe) static let digestMethod = EVP_MD_fetch(nil, "SHA1", nil)
}
