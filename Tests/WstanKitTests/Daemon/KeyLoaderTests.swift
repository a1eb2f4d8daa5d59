import Foundation
import Testing

@testable import WstanConfig
@testable import WstanControl
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
            _ = try KeyLoader.load(source)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `a key that is text is the key`() throws {
        let loaded = try KeyLoader.load(.text(Secret(Self.base64)))
        #expect(loaded.key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        #expect(loaded.warnings.isEmpty)
        #expect(!"\(loaded)".contains(Self.base64))
    }

    @Test func `a short passphrase is taken with a warning`() throws {
        let loaded = try KeyLoader.load(.text(Secret("pass")))
        let warnings = loaded.warnings
        #expect(loaded.key.bytes == Vectors.keysByText["pass"]?.bytes)
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("wstand -g") == true)
        #expect(warnings.first?.contains("pass ") == false)
        #expect(try KeyLoader.load(.text(Secret("correct horse battery staple"))).warnings.isEmpty)
    }

    @Test(arguments: ["", "\n", "\r\n", "\nsecond line", " \n# comment", "\t"])
    func `the first line of a file counts, without the white space around it`(end: String) throws {
        try Self.withFile(Array(("  " + Self.base64 + end).utf8)) { path in
            let key = try KeyLoader.load(.file(path)).key
            #expect(key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        }
    }

    @Test func `a passphrase may hold blanks and any characters`() throws {
        try Self.withFile(Array("密码 wstan \n".utf8)) { path in
            let key = try KeyLoader.load(.file(path)).key
            #expect(key.bytes == Vectors.keysByText["密码 wstan"]?.bytes)
        }
    }

    @Test(arguments: ["", "\n", "  \t \r\n", "\u{FEFF}\n\n"])
    func `an empty key is none, and says how to make one`(text: String) throws {
        try Self.withFile(Array(text.utf8)) { path in
            #expect(Self.failure(.file(path)) == "the key in \(path) is empty: wstand -g makes one")
        }
        #expect(Self.failure(.text(Secret(""))) == "the key is empty: wstand -g makes one")
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
            let warnings = try KeyLoader.load(.file(path)).warnings
            #expect(warnings.count == (isOpen ? 1 : 0))
            #expect(!isOpen || warnings.first?.contains(FileExposure.command(path)) == true)
        }
    }

    @Test func `the environment's key is gone after it was read`() throws {
        let name = "WSTAN_KEY_OF_A_TEST"
        setenv(name, Self.base64, 1)
        let memory = try #require(getenv(name))
        #expect(try KeyLoader.load(.environment(name)).key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        #expect(memory.pointee == 0)
        #expect(getenv(name) == nil)
        #expect(Self.failure(.environment(name))?.contains(name) == true)
    }

    @Test(arguments: ["", "\n", "\r\n", "\r", " ", "\u{A0}\n"])
    func `the environment's key is that of the file that it was made from`(end: String) throws {
        setenv("WSTAN_KEY_OF_A_FILE", Self.base64 + end, 1)
        #expect(try KeyLoader.load(.environment("WSTAN_KEY_OF_A_FILE")).key.bytes == Vectors.keysByText[Self.base64]?.bytes)
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
            let key = try KeyLoader.load(.credential(url.lastPathComponent)).key
            #expect(key.bytes == Vectors.keysByText[Self.base64]?.bytes)
        }
    }
}
