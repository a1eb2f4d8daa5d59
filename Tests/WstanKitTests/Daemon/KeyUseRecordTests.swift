import Foundation
import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite(.timeLimit(.minutes(1))) struct KeyUseRecordTests {
    private static let key = Key.random().id
    private static let other = Key.random().id
    private static let use = KeyUse(count: 3, last: CalendarTime(microseconds: 1_800_000_000_000_000))

    private static func record(_ folder: String?, on worker: Worker) -> KeyUseRecord {
        KeyUseRecord(stateDirectory: folder, worker: worker, blocking: BlockingPool())
    }

    @Test func `uses outlive the process, but for those of keys that are gone`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/" + KeyUseRecord.fileName
        try AtomicFile.replace(path, with: KeyUseCodec.encode([Self.key: Self.use, Self.other: Self.use]))
        try await WorkerThread.run { worker in
            let record = Self.record(folder.path, on: worker)
            #expect(record.warning == nil)
            #expect(await record.uses() == [Self.key: Self.use, Self.other: Self.use])
            await record.store([Self.key])
        }
        #expect(KeyUseCodec.decode(try FileReader.read(path, limit: KeyUseCodec.fileSize)) == [Self.key: Self.use])
    }

    @Test func `what has not changed is not written`() async throws {
        let folder = try TemporaryFolder()
        try await WorkerThread.run { worker in
            let record = Self.record(folder.path, on: worker)
            await record.store([Self.key])
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/" + KeyUseRecord.fileName))
            await Self.record(nil, on: worker).store([Self.key])
        }
    }

    @Test func `a damaged file is told of, and costs the numbers alone`() async throws {
        let folder = try TemporaryFolder()
        try AtomicFile.replace(folder.path + "/" + KeyUseRecord.fileName, with: Array("nonsense".utf8))
        try await WorkerThread.run { worker in
            let record = Self.record(folder.path, on: worker)
            #expect(record.warning == "\(folder.path)/key-uses is damaged: the uses of keys are counted anew")
            #expect(await record.uses().isEmpty)
        }
    }
}
