import Foundation
import Testing

@testable import WstanCore

/// A server is restarted, and all its clients come back at once. `make check-full` runs it with a million of them.
@Suite(.serialized) struct CrowdTests {
    private static let isLong = ProcessInfo.processInfo.environment["WSTAN_LONG_TESTS"] == "1"
    private static let clients = isLong ? 1_000_000 : 10_000

    /// - Returns: a line of the table in docs/performance.md.
    private static func row(_ name: String, _ result: CrowdResult) -> String {
        func seconds(_ milliseconds: Int) -> String { String(format: "%.1f", Double(milliseconds) / 1000) }
        let restored = [0.5, 0.99, 1].map { seconds(result.restored($0)) }.joined(separator: " / ")
        let waits = [0.5, 0.99, 1].map { "\(result.wait($0))" }.joined(separator: " / ")
        return
            "| \(name) | \(restored) | \(result.mostTunnels) | \(result.attempts) | \(result.mostInBacklog) | \(result.mostHandshakes) | \(waits) | \(result.failedUsers) |"
    }

    private static func run(_ name: String, _ change: (inout CrowdModel) -> Void = { _ in }) -> CrowdResult {
        var model = CrowdModel()
        model.clients = clients
        change(&model)
        let result = CrowdSimulation.run(model)
        if isLong { print(row(name, result)) }
        return result
    }

    @Test func `after a restart every client is served, beside a flood of strangers too`() {
        let quiet = Self.run("nobody else")
        let silent = Self.run("5,000 silent strangers/s") { $0.silentStrangers = 5_000 }
        let bad = Self.run("5,000 bad tags/s") { $0.badStrangers = 5_000 }
        for result in [quiet, silent, bad] {
            #expect(result.restored.count == Self.clients)
            #expect(result.mostInBacklog <= CrowdModel().backlog)
            #expect(result.mostHandshakes <= CrowdModel().maxHandshakes)
        }
        // The last ones wait for the end of the longest pause.
        #expect(quiet.restored(1) < 10 * best + 60_000, "\(quiet.restored(1)) ms")
        for flood in [silent, bad] {
            #expect(flood.restored(0.99) < 2 * quiet.restored(0.99) + 5_000, "\(flood.restored(0.99)) ms")
            #expect(flood.failedUsers < 2 * quiet.failedUsers + 10)
        }
    }

    /// An upgrade after a drain, or a night without power: idle clients notice that it is over, and not all at once.
    @Test func `after a long outage every client is back within half a minute`() {
        let (clients, outage) = (10_000, 120_000)
        let result = Self.run("two minutes away") { model in
            model.clients = clients
            model.outage = outage
        }
        #expect(result.restored.count == clients)
        #expect(result.mostInBacklog <= CrowdModel().backlog)
        for (share, seconds) in [(0.5, 10), (0.99, 20), (1.0, 30)] {
            let took = result.restored(share) - outage
            #expect(took < seconds * 1000, "\(share) after \(took) ms")
        }
    }

    /// What the server could do at best, in milliseconds.
    private var best: Int { 1000 * Self.clients / Int(CrowdModel().handshakes) + CrowdModel().outage }
}
