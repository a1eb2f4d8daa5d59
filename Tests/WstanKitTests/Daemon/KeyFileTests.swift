import Foundation
import Testing

@testable import WstanCore
@testable import WstanKit

/// A folder of its own for a test, which is gone afterwards.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("wstan-\(UUID().uuidString)")
        try makeFolder(url.path)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        try #require(FileManager.default.createFile(atPath: file(name), contents: Data(text.utf8)))
        chmod(file(name), mode)
        return file(name)
    }

    func text(_ name: String) throws -> String {
        String(decoding: try FileReader.read(file(name), limit: 1 << 20), as: UTF8.self)
    }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

@Suite struct KeyFileTests {
    private static func status(_ path: String) -> (mode: mode_t, user: uid_t, group: gid_t) {
        var status = stat()
        stat(path, &status)
        return (status.st_mode & 0o7777, status.st_uid, status.st_gid)
    }

    private static func code(_ body: () throws(SystemError) -> Void) -> Int32? {
        do throws(SystemError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `a file is replaced as a whole, with a secret's mode whatever the mask`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("ring")
        try AtomicFile.replace(path, with: Array("one".utf8))
        #expect(Self.status(path).mode == 0o600)
        try AtomicFile.replace(path, with: Array("two".utf8), AtomicFile.Attributes(mode: 0o666))
        #expect(try folder.text("ring") == "two")
        #expect(Self.status(path).mode == 0o666)
        #expect(folder.names == ["ring"])
    }

    @Test func `what a crash has left behind is no obstacle`() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("half a ri", to: AtomicFile.temporaryName(for: "ring"), mode: 0)
        try AtomicFile.replace(folder.file("ring"), with: Array("ring".utf8))
        #expect(folder.names == ["ring"])
    }

    @Test func `a failure leaves the old file and nothing else`() throws {
        let folder = try TemporaryFolder()
        // A directory in the file's place makes the rename fail.
        mkdir(folder.file("ring"), 0o700)
        _ = try folder.write("", to: "ring/inside")
        let path = folder.file("ring")
        #expect(
            [EISDIR, ENOTEMPTY, EEXIST].contains(
                try #require(Self.code { () throws(SystemError) in try AtomicFile.replace(path, with: [1]) })))
        #expect(folder.names == ["ring"])
        #expect(
            Self.code { () throws(SystemError) in try AtomicFile.replace("/no/such/folder/ring", with: [1]) } == ENOENT)
    }

    @Test func `in a folder that is open a file is replaced there, whatever the path leads to by now`() throws {
        let folder = try TemporaryFolder()
        mkdir(folder.file("folder"), 0o700)
        _ = try folder.write("one", to: "folder/key")
        let directory = open(folder.file("folder"), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        rename(folder.file("folder"), folder.file("moved"))
        mkdir(folder.file("folder"), 0o700)
        _ = try folder.write("another's", to: "folder/key")
        try AtomicFile.replace("key", in: directory, with: Array("two".utf8))
        #expect(try folder.text("moved/key") == "two")
        #expect(try folder.text("folder/key") == "another's")
    }

    // MARK: The configuration's key file

    @Test(arguments: [
        ("old", "new\n"), ("old\n", "new\n"), ("old\r\n# mine\nmore", "new\r\n# mine\nmore"), ("", "new\n"),
    ])
    func `the first line is replaced, and the rest stays`(before: String, after: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(before, to: "key", mode: 0o640)
        try KeyFile.replaceKey(in: path, with: "new")
        #expect(try folder.text("key") == after)
        #expect(Self.status(path).mode == 0o640)
        #expect(folder.names == ["key"])
    }

    @Test func `a link stays one, and what it leads to is replaced`() throws {
        let folder = try TemporaryFolder()
        mkdir(folder.file("secrets"), 0o700)
        _ = try folder.write("old\n", to: "secrets/key")
        symlink("secrets/key", folder.file("key"))
        try KeyFile.replaceKey(in: folder.file("key"), with: "new")
        #expect(try folder.text("secrets/key") == "new\n")
        var status = stat()
        lstat(folder.file("key"), &status)
        #expect(status.st_mode & S_IFMT == S_IFLNK)
    }

    @Test func `the owner stays`() throws {
        // Only root can give a file away.
        guard geteuid() == 0 else { return }
        let folder = try TemporaryFolder()
        let path = try folder.write("old\n", to: "key", mode: 0o440)
        chown(path, 12345, 54321)
        try KeyFile.replaceKey(in: path, with: "new")
        #expect(Self.status(path) == (0o440, 12345, 54321))
    }

    @Test func `what is no file of its own is not replaced`() throws {
        let folder = try TemporaryFolder()
        mkfifo(folder.file("pipe"), 0o600)
        for path in ["/dev/null", folder.path, folder.file("pipe")] {
            #expect(Self.code { () throws(SystemError) in try KeyFile.replaceKey(in: path, with: "new") } == EINVAL)
        }
        let missing = folder.file("none")
        #expect(Self.code { () throws(SystemError) in try KeyFile.replaceKey(in: missing, with: "new") } == ENOENT)
        let long = try folder.write(String(repeating: "x", count: 5000), to: "long")
        #expect(Self.code { () throws(SystemError) in try KeyFile.replaceKey(in: long, with: "new") } == EFBIG)
    }
}
