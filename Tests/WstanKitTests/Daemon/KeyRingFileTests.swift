import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite struct KeyRingFileTests {
    private static func failure(_ body: () throws(KeyRingFile.Failure) -> Void) -> KeyRingFile.Failure? {
        do throws(KeyRingFile.Failure) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a ring that was stored is found, and readable by nobody else`() throws {
        let folder = try TemporaryFolder()
        let file = KeyRingFile(in: folder.path)
        #expect(try file.load() == nil)
        let ring = try KeyRingTests.ring()
        try file.store(ring)
        #expect(try file.load() == ring)
        #expect(KeyRingFile(in: folder.path + "/").path == file.path)
        var status = stat()
        stat(file.path, &status)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(file.exposures.isEmpty && file.warning == nil)
        chmod(file.path, 0o644)
        #expect(file.exposures.first?.contains("chmod 600 \(file.path)") == true)
        #expect(KeyRingFile(in: "/no/such").warning?.contains("/no/such cannot be written (No such file") == true)
    }

    /// A key that was retired would be accepted again.
    @Test func `a ring that cannot be read is never left out`() throws {
        let folder = try TemporaryFolder()
        let file = KeyRingFile(in: folder.path)
        let bytes = KeyRingCodec.encode(try KeyRingTests.ring())
        let texts: [([UInt8], String)] = [
            ([], "is empty"), (Array(bytes.dropLast(3)), "is damaged"), (Array("x\n".utf8), "is of another version"),
            ([UInt8](repeating: 65, count: KeyRingBounds.fileSize * 2), "is above"),
            (ChecksumLine.append(to: Array("wstan key ring 1\norigin x\n".utf8)), "makes no sense (line 2)"),
        ]
        for (bytes, words) in texts {
            _ = try folder.write("", to: KeyRingFile.name)
            try AtomicFile.replace(file.path, with: bytes)
            let failure = try #require(Self.failure { () throws(KeyRingFile.Failure) in _ = try file.load() })
            #expect(failure.description.contains("\(file.path) \(words)"))
            #expect(failure.description.contains("move it away"))
        }
        unlink(file.path)
        mkdir(file.path, 0o700)
        #expect(
            Self.failure { () throws(KeyRingFile.Failure) in _ = try file.load() }?.description.contains(
                "it is a directory, not a file") == true)
    }

    @Test func `what cannot be written says why, and whether that is forbidden`() throws {
        let folder = try TemporaryFolder()
        let ring = try KeyRingTests.ring()
        let missing = KeyRingFile(in: folder.file("none"))
        let failure = try #require(Self.failure { () throws(KeyRingFile.Failure) in try missing.store(ring) })
        #expect(failure.isReadOnly)
        #expect(failure.description.contains("cannot write the key ring \(missing.path): No such file or directory"))
    }

    // MARK: In a process of its own

    private static let folderVariable = "WSTAN_TEST_FOLDER"

    /// Which ring a writing process is at, of two that differ in length.
    private static func ring(_ number: Int) throws -> KeyRing {
        var ring = try KeyRingTests.ring()
        for extra in 0..<(number % 2 == 0 ? 1 : 200) {
            try ring.add(
                try KeyRingTests.name("n\(extra)"), try KeyRingTests.key(number * 1000 % 60_000 + extra + 2),
                now: KeyRingTests.now)
        }
        return ring
    }

    /// As an administrator's kill -9, or the kernel's: at any instant of writing.
    @Test(.timeLimit(.minutes(5)))
    func `a process that is killed while it writes leaves the old ring or the new one, whole`() async throws {
        let folder = try TemporaryFolder()
        let file = KeyRingFile(in: folder.path)
        try file.store(try Self.ring(0))
        let path = folder.path
        let rounds = ProcessInfo.processInfo.environment["WSTAN_LONG_TESTS"] == nil ? 20 : 200
        for round in 0..<rounds {
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, round = round as Int] in
                let file = KeyRingFile(in: path)
                // The first write has been seen by then in most rounds, in some it has not begun.
                let rings = try (1...2).map { try KeyRingFileTests.ring(round * 2 + $0) }
                let killer = Thread {
                    usleep(UInt32.random(in: 0..<20_000))
                    kill(getpid(), SIGKILL)
                }
                killer.start()
                for number in 0..<100_000 { try file.store(rings[number % 2]) }
            }
            let found = try #require(try file.load())
            #expect([2, 201].contains(found.entries.count))
        }
    }

    @Test func `a file that may not grow, and a folder that may not be written, leave the old ring`() async throws {
        let folder = try TemporaryFolder()
        let file = KeyRingFile(in: folder.path)
        let old = try Self.ring(1)
        try file.store(old)
        let path = folder.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            let file = KeyRingFile(in: path)
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            do throws(KeyRingFile.Failure) {
                try file.store(try! KeyRingFileTests.ring(3))
                exit(1)
            } catch {
                guard !error.isReadOnly, error.description.contains("File too large") else { exit(2) }
            }
            exit(0)
        }
        #expect(try file.load() == old)
        #expect(folder.names == [KeyRingFile.name])

        chmod(folder.path, 0o555)
        await #expect(processExitsWith: .success) { [path = path as String] in
            let file = KeyRingFile(in: path)
            // Root may write everywhere.
            if geteuid() == 0, seteuid(65_534) != 0 { exit(3) }
            guard file.warning?.contains("Permission denied") == true || getuid() == 0 else { exit(4) }
            do throws(KeyRingFile.Failure) {
                try file.store(try! KeyRingFileTests.ring(3))
                exit(1)
            } catch {
                guard error.isReadOnly else { exit(2) }
            }
            exit(0)
        }
        chmod(folder.path, 0o700)
        #expect(try file.load() == old)
        #expect(folder.names == [KeyRingFile.name])
    }
}
