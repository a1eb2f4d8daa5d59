import COpenSSL
import CSecrets
import WstanBase

/// HMAC-SHA256 (RFC 2104), under one key after the other. What it made of the last key is erased when it goes.
///
/// It is made of OpenSSL's SHA-256: OpenSSL's own HMAC copies the states of both pads for each message, which takes longer than
/// hashing a pad does. Confined to what made it.
final class HMAC {
    static let size = SHA256.size

    private enum Pad {
        static let inner: UInt64 = 0x3636_3636_3636_3636
        static let outer: UInt64 = 0x5c5c_5c5c_5c5c_5c5c
    }
    /// Words in a block of SHA-256.
    private static let words = 8

    private let context: OpaquePointer
    /// The key, filled up with zeros to a block, with the inner pad.
    private let padded: UnsafeMutableBufferPointer<UInt64>

    init() {
        context = KeyMemory.keeping {
            guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
            // The first time makes its state; later ones use that again.
            Self.start(context)
            return context
        }
        let start = wstan_secret_take(Self.words * 8).bindMemory(to: UInt64.self, capacity: Self.words)
        padded = UnsafeMutableBufferPointer(start: start, count: Self.words)
    }

    deinit {
        EVP_MD_CTX_free(context)
        wstan_secret_give(padded.baseAddress)
    }

    /// Starts a message under another key.
    func begin(key: UnsafeRawBufferPointer) {
        padded.update(repeating: 0)
        let room = UnsafeMutableRawBufferPointer(padded)
        if key.count <= room.count {
            room.copyMemory(from: key)
        } else {
            Self.start(context)
            update(key)
            end(into: room)
        }
        turn(Pad.inner)
        begin()
    }

    /// Starts another message under the same key.
    func begin() {
        Self.start(context)
        update(UnsafeRawBufferPointer(padded))
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "SHA-256 failed")
    }

    /// - Parameter tag: room for 32 bytes.
    func finish(into tag: UnsafeMutableRawBufferPointer) {
        precondition(tag.count >= Self.size, "no room for the tag")
        end(into: tag)
        turn(Pad.inner ^ Pad.outer)
        begin()
        update(UnsafeRawBufferPointer(rebasing: tag[..<Self.size]))
        end(into: tag)
        turn(Pad.inner ^ Pad.outer)
    }

    /// Adds one pad, or takes one for the other.
    private func turn(_ pad: UInt64) {
        for index in padded.indices { padded[index] ^= pad }
    }

    private func end(into digest: UnsafeMutableRawBufferPointer) {
        let start = digest.assumingMemoryBound(to: UInt8.self).baseAddress
        precondition(EVP_DigestFinal_ex(context, start, nil) == 1, "SHA-256 failed")
    }

    private static func start(_ context: OpaquePointer) {
        precondition(EVP_DigestInit_ex2(context, SHA256.method, nil) == 1, "OpenSSL has no SHA-256")
    }
}
