import Foundation
import Testing

@testable import WstanKit

/// The fuzzer's targets as unit tests: what was found once stays found, and a target that does not work is noticed
/// here. A broken promise ends the process; the output names it.
@Suite struct FuzzTargetTests {
    private static let findings = Bundle.module.url(forResource: "Findings", withExtension: nil)

    @Test(arguments: FuzzTarget.all)
    func `what was found, the seeds and what is close to them break nothing`(target: FuzzTarget) throws {
        var random = SeededRandomness(seed: 7)
        for seed in target.seeds + (try Self.found(by: target)) {
            target.run(on: seed)
            for count in stride(from: 0, to: seed.count, by: max(1, seed.count / 16)) {
                target.run(on: Array(seed.prefix(count)))
            }
            for _ in 0..<40 { target.run(on: Mutation.of(seed, &random)) }
        }
    }

    @Test func `findings belong to targets, and targets have names of their own`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: try #require(Self.findings).path)
        #expect(Set(folders).isSubset(of: FuzzTarget.all.map(\.name)))
        #expect(Set(FuzzTarget.all.map(\.name)).count == FuzzTarget.all.count)
    }

    private static func found(by target: FuzzTarget) throws -> [[UInt8]] {
        let folder = try #require(findings).appendingPathComponent(target.name)
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else { return [] }
        return try names.sorted().map { Array(try Data(contentsOf: folder.appendingPathComponent($0))) }
    }
}
