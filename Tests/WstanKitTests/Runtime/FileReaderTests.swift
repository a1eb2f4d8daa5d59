import Foundation
import Testing

@testable import WstanCore

/// A start was waiting for ever for the other end of a FIFO, and a signal did not end it.
@Suite struct FileReaderTests {
    private static func withFolder(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("wstan-read-\(UUID().uuidString)").path
        try makeFolder(path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private static func failure(_ path: String) -> FileReader.Failure? {
        do throws(FileReader.Failure) {
            _ = try FileReader.read(path, limit: 100)
            return nil
        } catch {
            return error
        }
    }

    /// What is read of a pipe by a name that a shell gives it, with a writer that writes `bytes` and closes.
    private static func readPipe(of bytes: [UInt8]) throws -> [UInt8] {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        #expect(write(ends[1], bytes, bytes.count) == bytes.count)
        close(ends[1])
        return try FileReader.read("/dev/fd/\(ends[0])", limit: 100)
    }

    @Test func `a regular file is read up to one byte more than the limit`() throws {
        try Self.withFolder { folder in
            let path = folder + "/file"
            for count in [0, 99, 100, 101, 5000] {
                try Data(repeating: 7, count: count).write(to: URL(fileURLWithPath: path))
                #expect(try FileReader.read(path, limit: 100).count == min(count, 101))
            }
        }
    }

    @Test func `what is no file is named`() throws {
        try Self.withFolder { folder in
            #expect(Self.failure(folder) == .notAFile("a directory"))
            #expect(Self.failure(folder)?.text == "it is a directory, not a file; name a regular file")
            #expect(Self.failure("/dev/zero") == .notAFile("a device"))
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array((folder + "/socket").utf8)) }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
            }
            try #require(bound == 0)
            #expect(Self.failure(folder + "/socket") == .notAFile("a socket"))
            #expect(Self.failure(folder + "/missing")?.code == ENOENT)
        }
        // How a file is masked.
        #expect(try FileReader.read("/dev/null", limit: 100) == [])
    }

    @Test func `a pipe that was handed over is read to its end`() throws {
        #expect(try Self.readPipe(of: Array("a key".utf8)) == Array("a key".utf8))
        #expect(try Self.readPipe(of: []) == [])
        #expect(try Self.readPipe(of: [UInt8](repeating: 1, count: 4000)).count == 101)
    }

    @Test func `a FIFO is waited for while its writer comes`() throws {
        try Self.withFolder { folder in
            let path = folder + "/fifo"
            try #require(mkfifo(path, 0o600) == 0)
            let writer = Thread {
                let descriptor = open(path, O_WRONLY)
                _ = write(descriptor, "a key", 5)
                close(descriptor)
            }
            writer.start()
            #expect(try FileReader.read(path, limit: 100) == Array("a key".utf8))
        }
    }

    @Test func `a FIFO without a writer is given up`() throws {
        try Self.withFolder { folder in
            let path = folder + "/fifo"
            try #require(mkfifo(path, 0o600) == 0)
            #expect(Self.failure(path) == .silent)
            #expect(Self.failure(path)?.text.contains("within 5 seconds; name a regular file") == true)
        }
    }
}
