import CSecrets
import Testing

@testable import WstanBase

/// What OpenSSL is given in place of malloc, realloc and free.
@Suite struct VaultTests {
    private static func taking(_ body: () -> UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        wstan_vault_begin()
        defer { wstan_vault_end() }
        return body()
    }

    @Test func `what is taken between begin and end is from the vault, also by realloc`() throws {
        for memory in [
            Self.taking { wstan_crypto_malloc(40, nil, 0) }, Self.taking { wstan_crypto_realloc(nil, 40, nil, 0) },
        ] {
            #expect(wstan_secret_is_in_vault(memory))
            wstan_crypto_free(memory, nil, 0)
        }
        let outside = wstan_crypto_realloc(nil, 40, nil, 0)
        #expect(outside != nil && !wstan_secret_is_in_vault(outside))
        let memory = try #require(outside)
        memory.storeBytes(of: 0x1234_5678, as: Int32.self)
        let grown = try #require(Self.taking { wstan_crypto_realloc(memory, 4000, nil, 0) })
        #expect(wstan_secret_is_in_vault(grown) && grown.load(as: Int32.self) == 0x1234_5678)
        // It stays there, whoever lets it grow.
        let larger = try #require(wstan_crypto_realloc(grown, 40_000, nil, 0))
        #expect(wstan_secret_is_in_vault(larger) && larger.load(as: Int32.self) == 0x1234_5678)
        #expect(wstan_crypto_realloc(larger, 8, nil, 0) == larger)
        wstan_crypto_free(larger, nil, 0)
    }

    /// Every tunnel has a few, so their sizes count: with its head this one takes 928 bytes.
    @Test func `a small block is little more than what was asked for`() throws {
        let memory = try #require(Self.taking { wstan_crypto_malloc(900, nil, 0) })
        #expect(wstan_crypto_realloc(memory, 912, nil, 0) == memory)
        let larger = try #require(wstan_crypto_realloc(memory, 913, nil, 0))
        #expect(larger != memory && wstan_secret_is_in_vault(larger))
        wstan_crypto_free(larger, nil, 0)
    }

    @Test func `realloc to nothing gives back, in the vault and outside`() {
        #expect(wstan_crypto_realloc(wstan_crypto_malloc(40, nil, 0), 0, nil, 0) == nil)
        let kept = Self.taking { wstan_crypto_malloc(600_000, nil, 0) }
        kept?.storeBytes(of: 0x1234_5678, toByteOffset: 100, as: Int32.self)
        #expect(wstan_crypto_realloc(kept, 0, nil, 0) == nil)
        // Erased; blocks as large are taken by no other test.
        #expect(kept?.load(fromByteOffset: 100, as: Int32.self) == 0)
    }
}
