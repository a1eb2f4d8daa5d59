import WstanBase

/// HKDF (RFC 5869) with HMAC-SHA256. What derives several keys in a row hands its `HMAC` on, since making one costs as much as using
/// it.
enum HKDF {
    /// Section 2.2: a key of 32 bytes.
    ///
    /// - Parameter salt: not empty.
    static func extract(salt: some KeyMaterial, ikm: some KeyMaterial, by hmac: HMAC = HMAC()) -> SecretBytes {
        SecretBytes(count: HMAC.size) { key in
            salt.withKeyMaterial { hmac.begin(key: $0) }
            ikm.withKeyMaterial { hmac.update($0) }
            hmac.finish(into: key)
        }
    }

    /// Section 2.3.
    ///
    /// - Parameter length: 255 blocks of 32 bytes at most.
    static func expand(prk: SecretBytes, info: [UInt8], length: Int, by hmac: HMAC = HMAC()) -> SecretBytes {
        precondition(length <= 255 * HMAC.size, "HKDF makes no more")
        return SecretBytes(count: length) { key in
            withUnsafeTemporaryAllocation(byteCount: HMAC.size, alignment: 8) { block in
                defer { Erasure.erase(block) }
                var done = 0
                var number: UInt8 = 0
                while done < length {
                    if number == 0 { prk.withBytes { hmac.begin(key: $0) } } else { hmac.begin() }
                    if number > 0 { hmac.update(UnsafeRawBufferPointer(block)) }
                    number += 1
                    info.withUnsafeBytes { hmac.update($0) }
                    withUnsafeBytes(of: number) { hmac.update($0) }
                    hmac.finish(into: block)
                    let count = min(HMAC.size, length - done)
                    UnsafeMutableRawBufferPointer(rebasing: key[done..<(done + count)])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: block[..<count]))
                    done += count
                }
            }
        }
    }
}
