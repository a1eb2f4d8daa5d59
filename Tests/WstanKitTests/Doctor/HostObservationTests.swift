import Testing

@testable import WstanBase
@testable import WstanKit

@Suite struct HostObservationTests {
    private static func findings(_ change: (inout HostObservation) -> Void = { _ in }) -> [Finding] {
        var sighting = HostObservation(
            clockIsSynchronised: true, descriptorLimit: 524_288, maxTunnels: 10_000, hasIPv6: true,
            requestLifetime: .seconds(60))
        change(&sighting)
        return sighting.findings
    }

    @Test func `a good host is well in everything`() {
        #expect(Self.findings().map(\.level) == [.ok, .ok, .ok])
        #expect(Self.findings { $0.hasIPv6 = false }.map(\.level) == [.ok, .ok, .ok])
    }

    @Test func `a clock that nobody sets is a warning, and one that cannot be asked is not told`() {
        #expect(Self.findings { $0.clockIsSynchronised = false }.first?.level == .warning)
        #expect(Self.findings { $0.clockIsSynchronised = nil }.map(\.subject) == ["open files", "IPv6"])
    }

    @Test(arguments: [1, 7, 100, 8750, 10_000, 1_000_000])
    func `the limit that is named is enough`(tunnels: Int) throws {
        let finding = try #require(
            Self.findings {
                $0.descriptorLimit = 16
                $0.maxTunnels = tunnels
            }.first { $0.subject == "open files" })
        #expect(finding.level == .warning)
        let remedy = try #require(finding.remedy)
        let number = try #require(remedy.firstMatch(of: /LimitNOFILE=(\d+)/).flatMap { Int($0.output.1) })
        #expect(
            Self.findings {
                $0.descriptorLimit = number
                $0.maxTunnels = tunnels
            }.map(\.level) == [.ok, .ok, .ok])
        // Not many times what is needed.
        #expect(number < tunnels * 3 + 100)
    }

    @Test func `without a limit of tunnels that of files is told`() {
        let finding = Self.findings {
            $0.maxTunnels = 0
            $0.descriptorLimit = 1024
        }[1]
        #expect(finding == .ok("open files", "1024 may be open, for 448 tunnels"))
    }

    @Test func `who listens is told, and what to do about it`() {
        func finding(_ state: ListenObservation.State) -> Finding {
            ListenObservation(place: "127.0.0.1:1080", state: state).finding
        }
        for state in [ListenObservation.State.client, .guarded, .server, .closedServer, .free] {
            #expect(finding(state).level == .ok)
            #expect(finding(state).text.contains("127.0.0.1:1080"))
        }
        for state in [ListenObservation.State.otherServer("404"), .stranger("x")] {
            #expect(finding(state).level == .failed(.other))
            #expect(finding(state).remedy?.contains("ss -ltnp") == true)
        }
        #expect(finding(.unusable("cannot", remedy: "do")) == .failed(.other, "listen", "cannot", remedy: "do"))
    }
}
