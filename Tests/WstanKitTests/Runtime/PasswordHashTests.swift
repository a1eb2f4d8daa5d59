import Testing

@testable import WstanCore

@Suite struct PasswordHashTests {
    private static let password = Array("open sesame".utf8)

    @Test(arguments: ConfigUsersFileTests.hashes)
    func `the right password matches, and nothing else does`(hash: String) {
        #expect(PasswordHash.matches(Self.password, hash))
        for wrong in [[], Self.password.dropLast(), Self.password + [32], Self.password + [0], Self.password + [0, 1]] {
            #expect(!PasswordHash.matches(Array(wrong), hash))
        }
    }

    @Test func `what is no hash matches nothing`() {
        for hash in ["", "*", "*0", "*1", "x", "open sesame", "$6$", "$9$abc$def"] {
            #expect(!PasswordHash.matches(Self.password, hash))
            #expect(!PasswordHash.matches([], hash))
        }
        let half = String(ConfigUsersFileTests.sha256.dropLast())
        #expect(!PasswordHash.matches(Self.password, half))
    }

    @Test func `passwords that crypt does not take match nothing`() {
        #expect(!PasswordHash.matches([UInt8](repeating: 97, count: 512), ConfigUsersFileTests.sha256))
        #expect(!PasswordHash.matches([UInt8](repeating: 97, count: 100_000), ConfigUsersFileTests.sha256))
    }

    @Test func `fingerprints tell apart what differs, and each maker has its own`() {
        let maker = Fingerprint.Maker()
        let one = maker.fingerprint(of: [[1, 2], [3]])
        #expect(one == maker.fingerprint(of: [[1, 2], [3]]))
        #expect(one != maker.fingerprint(of: [[1], [2, 3]]))
        #expect(one != maker.fingerprint(of: [[1, 2, 3], []]))
        #expect(one != Fingerprint.Maker().fingerprint(of: [[1, 2], [3]]))
        for count in [1, 2, 1000] { #expect((0..<count).contains(one.place(among: count))) }
    }
}
