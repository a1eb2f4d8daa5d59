import Foundation
import Testing

@testable import WstanCore
@testable import WstanKit

@Suite struct ConfigurationCheckTests {
    /// What a check of this file finds; `DIR` in it is a directory of these files.
    private static func found(_ text: String, files: [String: String] = [:], mode: Int = 0o600) throws -> [String] {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "wstan-check-\(UUID().uuidString)"
        ).path
        try makeFolder(directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (name, text) in files {
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
            let path = "\(directory)/\(name)"
            try #require(
                FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: attributes))
        }
        let fixture = ConfigFixture(file: text.replacing("DIR", with: directory))
        guard case .checkConfig(let settings, let origins, _) = try fixture.parse(["--check-config", "-i", "f.conf"])
        else {
            throw ConfigFixture.NotARun()
        }
        return ConfigurationCheck(settings, origins).withKeyRing().diagnostics.map {
            $0.description.replacing(directory, with: "DIR")
        }
    }

    private static let key = ["key": "WY+yKqwlAlxSubNXVLrJsw==\n"]

    @Test func `good files are nothing to speak of`() throws {
        #expect(try Self.found("uri = ws://h/\nkey-file = DIR/key\n", files: Self.key).isEmpty)
    }

    @Test func `a server that refuses the keys that a start would find is warned of it`() throws {
        let text = "mode = server\nuri = ws://h/\nkey-file = DIR/key\nstate-directory = DIR\n[server]\naccept-v1 = "
        #expect(try Self.found(text + "yes\n", files: Self.key).isEmpty)
        let found = try Self.found(text + "no\n", files: Self.key)
        #expect(found.count == 1 && found[0].hasPrefix("f.conf:6:13: warning: accept-v1 = no refuses every key (default), "))
        let damaged = try Self.found(text + "no\n", files: Self.key.merging(["keyring": "x"]) { $1 })
        #expect(damaged.count == 1 && damaged[0].hasPrefix("f.conf:4:19: warning: the key ring DIR/keyring "), "\(damaged)")
    }

    @Test func `everything that a start would fail by is told at once, at the line that names it`() throws {
        let found = try Self.found(
            """
            uri = wss://h/
            key-file = DIR/none
            [client]
            users-file = DIR/users
            allow-uid = root, no-such-user-here
            allow-uid = nor-such-a-one
            [tls]
            ca-file = DIR/users
            certificate = DIR/users
            key = DIR/nor-this
            """, files: ["users": "anna:secret\nbert\n"])
        #expect(
            found.map { String($0.prefix(60)) }
                == [
                    "f.conf:2:12: error: cannot read the key file DIR/none: No such file or directory",
                    "DIR/users:1:6: warning: line ignored: it has no known hash, and a password",
                    "DIR/users:2:1: warning: line ignored: it has no colon; a line is name:hash,",
                    "DIR/users: error: has no user: a line is name:hash, and htpasswd -B makes one",
                    "f.conf:6:13: error: allow-uid: this host has no user no-such-user-here",
                    "f.conf:6:13: error: allow-uid: this host has no user nor-such-a-one",
                    "f.conf:8:11: error: DIR/users holds no certificate in PEM, or a damaged one",
                    "f.conf:10:7: error: cannot read the certificate's key, DIR/nor-this: No such file",
                ].map { String($0.prefix(60)) })
    }

    @Test func `what is bad practice is a warning`() throws {
        let found = try Self.found("uri = ws://h/\nkey-file = DIR/key\n", files: ["key": "short"], mode: 0o644)
        #expect(found.count == 2)
        #expect(found.allSatisfy { $0.hasPrefix("f.conf:2:12: warning: ") })
    }

    @Test func `a key that only the service has is not missing`() throws {
        for source in ["env:WSTAN_NO_SUCH_VARIABLE", "credential:wstan.key"] {
            let found = try Self.found("uri = ws://h/\nkey-file = \(source)\n")
            #expect(found.count == 1)
            #expect(found.first?.hasPrefix("f.conf:2:12: warning: the key cannot be checked") == true, "\(found)")
        }
    }

    @Test func `a server's certificate, its key and the clients' authority are opened`() throws {
        let authority = try TestAuthority()
        let (identity, other) = (try authority.issue(), try authority.issue("other"))
        chmod(identity.key, 0o600)
        chmod(other.key, 0o600)
        let check = { (certificate: String, key: String, ca: String) in
            try Self.found(
                "mode = server\nuri = wss://h/\nkey-file = DIR/key\n[tls]\ncertificate = \(certificate)\nkey = \(key)\n"
                    + "client-ca = \(ca)\n", files: Self.key)
        }
        #expect(try check(identity.certificate, identity.key, authority.caFile).isEmpty)
        let mismatch = try check(identity.certificate, other.key, "/no/such/file")
        #expect(mismatch.count == 2)
        #expect(mismatch.first?.hasPrefix("f.conf:5:15: error: private key ") == true, "\(mismatch)")
        #expect(mismatch.last?.hasPrefix("f.conf:7:13: error: cannot read the certificates to believe") == true)
        #expect(
            try check(identity.certificate, identity.certificate, authority.caFile).first?.hasPrefix("f.conf:6:7")
                == true)
        let expired = try authority.issue("expired", days: -9...(-2))
        chmod(expired.key, 0o644)
        let warnings = try check(expired.certificate, expired.key, authority.caFile)
        #expect(warnings.count == 2)
        #expect(warnings.first?.hasPrefix("f.conf:5:15: warning: the certificate in") == true, "\(warnings)")
        #expect(warnings.last?.hasPrefix("f.conf:6:7: warning: every user of this host can read") == true, "\(warnings)")
    }

    @Test func `a directory of drop-ins is read by its files, masked and other ones left out`() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "wstan-names-\(UUID().uuidString)"
        ).path
        try makeFolder(directory + "/dir.conf")
        defer { try? FileManager.default.removeItem(atPath: directory) }
        #expect(FileManager.default.createFile(atPath: directory + "/a.conf", contents: nil))
        symlink("a.conf", directory + "/link.conf")
        symlink("/no/such/file", directory + "/broken.conf")
        symlink("/dev/null", directory + "/masked.conf")
        mkfifo(directory + "/pipe.conf", 0o600)
        #expect(try FileReader.names(in: directory, limit: 6)?.sorted() == ["a.conf", "broken.conf", "link.conf"])
        #expect(throws: FileReader.TooManyEntries.self) { try FileReader.names(in: directory, limit: 5) }
        #expect(try FileReader.names(in: directory + "/none", limit: 5) == nil)
    }
}
