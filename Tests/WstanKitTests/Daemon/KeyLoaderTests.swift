import Foundation
import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanControl
@testable import WstanCore
@testable import WstanKit

/// One after the other, since two of them change the environment, which all threads share.
@Suite(.serialized) struct KeyLoaderTests {
    private static let base64 = "WY+yKqwlAlxSubNXVLrJsw=="

    /// A file of its own for each test, which is gone afterwards.
    private static func withFile<R>(_ bytes: [UInt8], mode: Int = 0o600, _ body: (String) throws -> R) throws -> R {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("wstan-key-\(UUID().uuidString)").path
        defer { unlink(path) }
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
        try #require(FileManager.default.createFile(atPath: path, contents: Data(bytes), attributes: attributes))
        return try body(path)
    }

    private static func failure(_ source: KeySource) -> String? {
        do throws(KeyLoader.Failure) {
            _ = try KeyLoader.load(source, isClient: true)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `a key that is text is the key`() throws {
        let loaded = try KeyLoader.load(.text(Secret(Self.base64)), isClient: true)
        #expect(loaded.key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        #expect(loaded.warnings.isEmpty)
        #expect(!"\(loaded)".contains(Self.base64))
    }

    // MARK: Key strings

    private static func string(_ kind: KeyString.Kind, realm: Realm = .none) -> KeyString {
        let server = HandshakeFixture.serverKey
        return switch kind {
        case .shared: KeyString(shared: SecretBytes(Array(0..<32)), realm: realm)
        case .client: KeyString(client: server.publicKey, HandshakeFixture.userKey, realm: realm)
        case .server: KeyString(server: server, realm: realm)
        }
    }

    private static func load(_ string: KeyString, isClient: Bool) throws -> ConfiguredKey {
        try KeyLoader.load(.text(Secret(string.text)), isClient: isClient)
    }

    @Test func `a key string gives each end what it works by`() throws {
        let realm = try #require(Realm(Array("east".utf8)))
        let (server, user) = (HandshakeFixture.serverKey, HandshakeFixture.userKey)
        let client = ClientKey(server: server.publicKey, user: user, realm: realm)
        #expect(try Self.load(Self.string(.client, realm: realm), isClient: true).key == .client(client))
        #expect(try Self.load(Self.string(.server, realm: realm), isClient: false).key == .server(server, realm, user: nil))
        let shared = Self.string(.shared)
        let (sharedClient, sharedServer) = (try #require(shared.clientKey), try #require(shared.serverKey))
        #expect(try Self.load(shared, isClient: true).key == .client(sharedClient))
        let warnings = try Self.load(shared, isClient: true).warnings
        #expect(warnings.count == 1 && warnings[0].contains("its holder can play the server"))
        #expect(try Self.load(shared, isClient: false).warnings.isEmpty)
        #expect(try Self.load(Self.string(.client), isClient: true).warnings.isEmpty)
        #expect(try Self.load(shared, isClient: false).key == .server(sharedServer, .none, user: shared.userKey))
        try Self.withFile(Array("\u{FEFF} \(shared.text) \r\n# mine".utf8)) { path in
            let key = try KeyLoader.load(.file(path), isClient: true).key
            #expect(key == .client(sharedClient))
        }
    }

    @Test func `a key string of the other end is refused with the command that makes the right one`() {
        let atClient = #expect(throws: KeyLoader.Failure.self) { try Self.load(Self.string(.server), isClient: true) }
        #expect(atClient?.description.contains("wstanctl client-config --key NAME") == true)
        let atServer = #expect(throws: KeyLoader.Failure.self) { try Self.load(Self.string(.client), isClient: false) }
        #expect(atServer?.description.contains("wstanctl init server") == true)
    }

    /// It would be a passphrase otherwise, and another key than the one that was meant.
    @Test func `a key string that is mistyped says how, and is never a passphrase`() {
        let text = Self.string(.client).text
        let (start, rest) = (text.prefix(20), text.dropFirst(20))
        let cases: [(String, String)] = [
            (text.dropLast() + (text.last == "A" ? "B" : "A"), "its check does not match"), (String(text.prefix(19)), "is too short"),
            ("\(start)=\(rest)", "at place 21: '='"), ("wstan2:", "ends after wstan2:"),
            ("wstan3:" + text.dropFirst(7), "is for version 3 of the protocol"), ("\"\(text)\"", "is in quotes"),
            ("key = \(text)", "keep only what begins with wstan2:"), ("\(start) \(rest)", "a blank"),
        ]
        for (wrong, words) in cases {
            let failure = Self.failure(.text(Secret(wrong)))
            #expect(failure?.contains(words) == true, "\(words): \(failure ?? "taken")")
            #expect(failure?.contains(rest.prefix(20)) == false)
        }
    }

    @Test func `nothing that describes a configured key string shows it`() throws {
        for kind in KeyString.Kind.allCases {
            let string = Self.string(kind)
            let loaded = try Self.load(string, isClient: kind == .client)
            var shown = "\(loaded) \(String(reflecting: loaded))"
            dump(loaded, to: &shown)
            #expect(!shown.contains(string.text.dropFirst(10).prefix(10)))
            #expect(!shown.contains("64, 65, 66") && !shown.contains("32, 33, 34"))
        }
    }

    @Test func `a short passphrase is taken with a warning`() throws {
        let loaded = try KeyLoader.load(.text(Secret("pass")), isClient: true)
        let warnings = loaded.warnings
        #expect(loaded.key.bytes == Vectors.keysByText["pass"]?.bytes)
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("wstand -g") == true)
        #expect(warnings.first?.contains("pass ") == false)
        #expect(try KeyLoader.load(.text(Secret("correct horse battery staple")), isClient: true).warnings.isEmpty)
    }

    @Test(arguments: ["", "\n", "\r\n", "\nsecond line", " \n# comment", "\t"])
    func `the first line of a file counts, without the white space around it`(end: String) throws {
        try Self.withFile(Array(("  " + Self.base64 + end).utf8)) { path in
            let key = try KeyLoader.load(.file(path), isClient: true).key
            #expect(key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        }
    }

    @Test func `a passphrase may hold blanks and any characters`() throws {
        try Self.withFile(Array("密码 wstan \n".utf8)) { path in
            let key = try KeyLoader.load(.file(path), isClient: true).key
            #expect(key.bytes == Vectors.keysByText["密码 wstan"]?.bytes)
        }
    }

    @Test(arguments: ["", "\n", "  \t \r\n", "\u{FEFF}\n\n"])
    func `an empty key is none, and says how to make one`(text: String) throws {
        try Self.withFile(Array(text.utf8)) { path in
            #expect(Self.failure(.file(path)) == "the key in \(path) is empty: wstand -g --v2 makes one")
        }
        #expect(Self.failure(.text(Secret(""))) == "the key is empty: wstand -g --v2 makes one")
    }

    @Test func `a file is read up to its bound and not beyond`() throws {
        let most = [UInt8](repeating: 97, count: KeyText.sizeLimit)
        try Self.withFile(most) { path in #expect(Self.failure(.file(path)) == nil) }
        try Self.withFile(most + [10]) { path in
            #expect(Self.failure(.file(path)) == "the key in \(path) is above 4096 bytes")
        }
        // It has no end, and is not read at all.
        #expect(
            Self.failure(.file("/dev/zero"))
                == "cannot read the key file /dev/zero: it is a device, not a file; name a regular file")
    }

    @Test func `what cannot be read is named with the cause`() throws {
        #expect(Self.failure(.file("/no/key")) == "cannot read the key file /no/key: No such file or directory")
        #expect(Self.failure(.file("/"))?.contains("/: it is a directory, not a file; name a regular file") == true)
        try Self.withFile([0xff, 0xfe]) { path in
            #expect(Self.failure(.file(path)) == "the key in \(path) is not UTF-8 text")
        }
    }

    @Test(arguments: [(0o600, false), (0o640, false), (0o604, true), (0o444, true)])
    func `a file that everybody can read is warned of`(mode: Int, isOpen: Bool) throws {
        try Self.withFile(Array(Self.base64.utf8), mode: mode) { path in
            let warnings = try KeyLoader.load(.file(path), isClient: true).warnings
            #expect(warnings.count == (isOpen ? 1 : 0))
            #expect(!isOpen || warnings.first?.contains(FileExposure.command(path)) == true)
        }
    }

    @Test func `the environment's key is gone after it was read`() throws {
        let name = "WSTAN_KEY_OF_A_TEST"
        setenv(name, Self.base64, 1)
        let memory = try #require(getenv(name))
        #expect(try KeyLoader.load(.environment(name), isClient: true).key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        #expect(memory.pointee == 0)
        #expect(getenv(name) == nil)
        #expect(Self.failure(.environment(name))?.contains(name) == true)
    }

    @Test(arguments: ["", "\n", "\r\n", "\r", " ", "\u{A0}\n"])
    func `the environment's key is that of the file that it was made from`(end: String) throws {
        setenv("WSTAN_KEY_OF_A_FILE", Self.base64 + end, 1)
        #expect(try KeyLoader.load(.environment("WSTAN_KEY_OF_A_FILE"), isClient: true).key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        setenv("WSTAN_KEY_OF_A_FILE", "'\(Self.base64)'", 1)
        let failure = try #require(Self.failure(.environment("WSTAN_KEY_OF_A_FILE")))
        #expect(failure.hasPrefix("the key in the variable WSTAN_KEY_OF_A_FILE is in quotes: ") && !failure.contains("WY+"))
    }

    @Test func `a credential is a file in the directory that the service manager names`() throws {
        try Self.withFile(Array(Self.base64.utf8), mode: 0o400) { path in
            #expect(Self.failure(.credential("key"))?.contains("LoadCredential=key") == true)
            let url = URL(fileURLWithPath: path)
            setenv("CREDENTIALS_DIRECTORY", url.deletingLastPathComponent().path, 1)
            defer { unsetenv("CREDENTIALS_DIRECTORY") }
            let key = try KeyLoader.load(.credential(url.lastPathComponent), isClient: true).key
            #expect(key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        }
    }
}
