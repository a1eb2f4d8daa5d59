import Glibc
import Testing

@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct BlockingCopyTests {
    private static func pipe() throws -> (source: Int32, sink: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    /// A file that has no name any more.
    private static func file(_ bytes: [UInt8]) throws -> Int32 {
        var template = Array("/tmp/wstan-copy.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        unlink(&template)
        try #require(bytes.withUnsafeBytes { BlockingCopy.write($0, to: descriptor) })
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }

    private static func contents(_ descriptor: Int32) -> [UInt8] {
        lseek(descriptor, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 { bytes += buffer.prefix(count) }
        return bytes
    }

    @Test func `a file is copied whole`() throws {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let source = try Self.file(bytes)
        let sink = try Self.file([])
        defer {
            close(source)
            close(sink)
        }
        var moved = 0
        #expect(BlockingCopy.run(from: source, to: sink) { moved += $0 } == .end)
        #expect(moved == bytes.count)
        #expect(Self.contents(sink) == bytes)
    }

    /// Both ends non-blocking, as a program that shares them with us may have made them: more than the pipe holds.
    @Test func `what would block is waited for`() async throws {
        let bytes = [UInt8](repeating: 5, count: 400_000)
        let source = try Self.file(bytes)
        let (out, into) = try Self.pipe()
        let sink = try Self.file([])
        for end in [out, into] { #expect(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
        async let filling = Self.onThread {
            let ending = BlockingCopy.run(from: source, to: into)
            close(into)
            return ending
        }
        #expect(await Self.onThread { BlockingCopy.run(from: out, to: sink) } == .end)
        #expect(await filling == .end)
        #expect(Self.contents(sink) == bytes)
        #expect(fcntl(out, F_GETFL) & O_NONBLOCK != 0)
        for end in [source, out, sink] { close(end) }
    }

    @Test func `a sink that nobody reads is told from a source that cannot be read`() throws {
        signal(SIGPIPE, SIG_IGN)
        let source = try Self.file([1, 2, 3])
        let (out, into) = try Self.pipe()
        close(out)
        #expect(BlockingCopy.run(from: source, to: into) == .sinkFailed(SystemError(call: "write", code: EPIPE)))
        #expect(BlockingCopy.run(from: into, to: source) == .sourceFailed(SystemError(call: "read", code: EBADF)))
        close(source)
        close(into)
    }

    /// What blocks does not belong on the threads of Swift's tasks.
    private static func onThread(_ body: @escaping @Sendable () -> BlockingCopy.Ending) async -> BlockingCopy.Ending {
        await withCheckedContinuation { continuation in
            _ = BlockingPool().submit(for: "copy") { continuation.resume(returning: body()) }
        }
    }
}
