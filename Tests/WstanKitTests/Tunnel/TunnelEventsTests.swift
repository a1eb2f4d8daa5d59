import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct TunnelEventsTests {
    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    @Test func `a refused message is one line a second for each reason`() {
        let lines = LogLines()
        let log = lines.log
        for second in [0, 0, 1] { log.tunnelRefused(1, .badAuthentication, now: Self.at(second)) }
        log.tunnelRefused(1, .malformed, now: Self.at(1))
        let text = "a message on a tunnel was refused; the tunnel is closed reason="
        #expect(
            lines.all.map(\.text) == [
                text + "bad-authentication tunnel=1", text + "bad-authentication repeated=1 tunnel=1",
                text + "malformed tunnel=1",
            ])
        #expect(lines.all.allSatisfy { $0.level == .notice })
        log.tunnelRefused(2, .tooLarge, peer: "192.0.2.1:1", now: Self.at(1))
        #expect(
            lines.all.last?.text
                == "a message on a tunnel was refused; the tunnel is closed peer=192.0.2.1:1 reason=too-large tunnel=2")
    }
}
