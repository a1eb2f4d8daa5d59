import Testing

@testable import WstanBase
@testable import WstanCore

extension SecretBytes {
    /// A copy, which only tests want.
    var bytes: [UInt8] { withBytes { Array($0) } }

    convenience init(hex text: String) { self.init(Hexadecimal(text).bytes) }
}

extension X25519KeyPair {
    func sharedSecret(with bytes: [UInt8]) -> SecretBytes? { sharedSecret(with: X25519PublicKey(bytes)) }
}

/// What is built on OpenSSL, by the vectors of the documents that define it.
@Suite struct CryptoTests {
    @Test func `SHA-256 of FIPS 180-4's example`() {
        let digest = "ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad"
        #expect(SHA256.digest(Array("abc".utf8)) == Hexadecimal(digest).bytes)
    }

    /// RFC 5869, appendix A: test cases 1 and 2. The third has no salt, and no derivation here is without one.
    @Test func `HKDF's vectors, with a context for each and with one for all`() {
        let short = (
            ikm: [UInt8](repeating: 0x0b, count: 22), salt: Array(0...12) as [UInt8], info: Array(0xf0...0xf9) as [UInt8],
            prk: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        )
        let long = (
            ikm: Array(0...0x4f) as [UInt8], salt: Array(0x60...0xaf) as [UInt8], info: Array(0xb0...0xff) as [UInt8],
            prk: "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            okm: """
                b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09
                da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87
                """
        )
        let shared = HMAC()
        for vector in [short, long] {
            for hmac in [HMAC(), shared, shared] {
                let prk = HKDF.extract(salt: vector.salt, ikm: vector.ikm, by: hmac)
                #expect(prk.bytes == Hexadecimal(vector.prk).bytes)
                let expected = Hexadecimal(vector.okm).bytes
                for count in 0...expected.count {
                    let okm = HKDF.expand(prk: prk, info: vector.info, length: count, by: hmac)
                    #expect(okm.bytes == Array(expected.prefix(count)))
                }
            }
        }
    }

    /// RFC 7748 section 6.1.
    @Test func `X25519's vector, and public keys that make every secret zero`() throws {
        let bob = X25519KeyPair(
            privateKey: SecretBytes(hex: "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        #expect(
            bob.publicKey == Hexadecimal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f").bytes)
        let alice = Hexadecimal("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a").bytes
        let secret = try #require(bob.sharedSecret(with: alice))
        #expect(secret.bytes == Hexadecimal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742").bytes)
        let carol = X25519KeyPair(privateKey: SecretBytes(Array(1...32)))
        #expect(carol.sharedSecret(with: bob.publicKey) != nil)
        #expect(carol.sharedSecret(with: bob.publicKey) == bob.sharedSecret(with: carol.publicKey))
        // Points of small order: zero, one, and the two of order 8.
        for point in [
            String(repeating: "00", count: 32), "01" + String(repeating: "00", count: 31),
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        ] {
            #expect(bob.sharedSecret(with: Hexadecimal(point).bytes) == nil)
        }
        #expect(bob.sharedSecret(with: alice) == secret)
    }

    @Test func `keys are made and used on several threads at once`() async {
        let fixed = X25519KeyPair(privateKey: SecretBytes([UInt8](repeating: 3, count: 32)))
        await withTaskGroup(of: Bool.self) { group in
            for number in 1...8 as ClosedRange<UInt8> {
                group.addTask {
                    let other = X25519KeyPair(privateKey: SecretBytes([UInt8](repeating: number, count: 32)))
                    return (0..<50).allSatisfy { _ in
                        fixed.sharedSecret(with: other.publicKey) == other.sharedSecret(with: fixed.publicKey)
                    }
                }
            }
            for await areAlike in group { #expect(areAlike) }
        }
    }

    /// AES-GCM: test cases 4 and 16 of its specification (McGrew and Viega). ChaCha20-Poly1305: RFC 8439 section 2.8.2.
    static let sealed: [(cipher: AEADCipher, key: String, nonce: String, associated: String, plain: String, sealed: String)] = [
        (
            .aes128GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            """
            42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
            5bc94fbc3221a5db94fae95ae7121a47
            """
        ),
        (
            .aes256GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            """
            522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
            76fc6ece0f4e1768cddf8853bb2d551b
            """
        ),
        (
            .chaCha20Poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
            "50515253c0c1c2c3c4c5c6c7",
            """
            4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f6666657220796f7520
            6f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069742e
            """,
            """
            d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
            92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116
            1ae10b594f09e26a7e902ecbd0600691
            """
        ),
    ]

    @Test func `the ciphers' vectors, twice by one context, which opens as well`() {
        #expect(Set(Self.sealed.map(\.cipher)) == Set(AEADCipher.allCases))
        for vector in Self.sealed {
            let aead = AEAD(vector.cipher, key: SecretBytes(hex: vector.key))
            let nonce = AEADNonce(Hexadecimal(vector.nonce).bytes)
            let plain = Hexadecimal(vector.plain).bytes
            let associated = Hexadecimal(vector.associated).bytes
            for _ in 0..<2 {
                let record = aead.sealed(plain, nonce, associated)
                #expect(record == Hexadecimal(vector.sealed).bytes)
                #expect(aead.opened(record, nonce, associated) == plain)
                #expect(aead.opened(record, nonce ^ AEADNonce(counter: 1), associated) == nil)
                #expect(aead.opened(record, nonce, []) == nil)
            }
        }
    }

    @Test(arguments: AEADCipher.allCases)
    func `a message that is changed or cut anywhere is not opened, and leaves nothing behind`(cipher: AEADCipher) {
        let aead = AEAD(cipher, key: SecretBytes([UInt8](repeating: 7, count: cipher.keySize)))
        let nonce = AEADNonce(counter: 3)
        for plain in [[], Array("a message".utf8)] as [[UInt8]] {
            let record = aead.sealed(plain, nonce)
            #expect(record.count == plain.count + AEAD.tagSize)
            for bit in 0..<(record.count * 8) {
                var changed = record
                changed[bit / 8] ^= 1 << (bit % 8)
                #expect(!changed.withUnsafeMutableBytes { aead.open(inPlace: $0, nonce: nonce) })
                #expect(changed.allSatisfy { $0 == 0 })
            }
            for count in 0..<record.count { #expect(aead.opened(Array(record.prefix(count)), nonce) == nil) }
            #expect(aead.opened(record + [0], nonce) == nil)
            #expect(aead.opened(record, nonce) == plain)
        }
    }

    @Test func `a nonce is twelve bytes in the order of the wire`() {
        #expect(MemoryLayout<AEADNonce>.size == AEADNonce.size)
        let counter = AEADNonce(counter: 0x0102_0304_0506_0708)
        #expect(withUnsafeBytes(of: counter) { Array($0) } == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
        let iv: [UInt8] = [0xff, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        let expected: [UInt8] = [0xff, 2, 3, 4, 4, 4, 4, 12, 12, 12, 12, 4]
        #expect(withUnsafeBytes(of: AEADNonce(iv) ^ counter) { Array($0) } == expected)
    }
}

extension AEAD {
    func sealed(_ plain: [UInt8], _ nonce: AEADNonce, _ associated: [UInt8] = []) -> [UInt8] {
        var record = plain + [UInt8](repeating: 0, count: Self.tagSize)
        record.withUnsafeMutableBytes { record in
            associated.withUnsafeBytes {
                seal(inPlace: record, plaintextLength: plain.count, nonce: nonce, associated: associated.isEmpty ? nil : $0)
            }
        }
        return record
    }

    func opened(_ record: [UInt8], _ nonce: AEADNonce, _ associated: [UInt8] = []) -> [UInt8]? {
        var record = record
        let isAuthentic = record.withUnsafeMutableBytes { record in
            associated.withUnsafeBytes { open(inPlace: record, nonce: nonce, associated: associated.isEmpty ? nil : $0) }
        }
        return isAuthentic ? Array(record.dropLast(Self.tagSize)) : nil
    }
}
