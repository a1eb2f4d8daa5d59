import Testing
import WstanControl

@testable import wstanctl

/// What an operator sees, word for word.
@Suite struct ShownTextTests {
    private static let now = 1_800_000_000_000_000

    private static func status(mode: Control.Mode) -> GetStatus.Reply {
        GetStatus.Reply(
            version: "0.1.0", mode: mode, state: .running, pid: 4711, startTimestampUSec: now - 3_725_000_000,
            configurationLoadTimestampUSec: now - 3_725_000_000,
            listeners: [
                .init(name: "listen", address: "127.0.0.1:1080", activated: false),
                .init(name: "forward db", address: "127.0.0.1:5432", activated: false),
            ], tunnelsActive: 3, tunnelsTotal: 214, bytesReceived: 2_000_000, bytesSent: 1_400)
    }

    private static func shown(_ status: GetStatus.Reply, before: GetStatus.Reply? = nil, colour: Bool = false) -> String {
        StatusText(status, before: before ?? status, interval: 500_000, now: now, paint: Paint(isOn: colour))
            .lines.joined(separator: "\n")
    }

    @Test func `a client's status`() {
        var status = Self.status(mode: .client)
        status.instance = "home"
        status.pool = .init(size: 16, idle: 4, opening: 2, hits: 9, misses: 1, rttUSec: 12_345)
        var before = status
        before.bytesReceived -= 250_000
        #expect(
            Self.shown(status, before: before) == """
                wstand@home 0.1.0, client, pid 4711
                     state  running for 1h 2min
                   listens  127.0.0.1:1080
                   listens  127.0.0.1:5432 (forward db)
                   tunnels  3 in use, 214 opened since the start
                   traffic  in 500 KB/s, out 0 B/s; since the start 2.0 MB and 1.4 KB
                      pool  [####++..........] 4 of 16 idle, 2 being opened; 9 of 10 connections found one; round trip 12 ms
                """)
    }

    @Test func `a server's status with all that there is to tell`() {
        var status = Self.status(mode: .server)
        status.state = .draining
        status.drainDeadlineTimestampUSec = Self.now + 90_000_000
        status.listeners = []
        status.pool = .init(size: 0, idle: 5, opening: 0, hits: 0, misses: 0)
        status.rejects = .init(
            replay: 1, expired: 0, badAuthentication: 7, malformed: 0, forbiddenTarget: 0, overLimit: 0,
            droppedDatagrams: 2)
        status.keys = [
            .init(
                name: "default", id: "0123456789abcdef", state: .current, source: .configuration, uses: 3,
                lastUseTimestampUSec: Self.now - 4_000_000),
            .init(
                name: "laptop", id: "fedcba9876543210", state: .previous, source: .state,
                retireTimestampUSec: Self.now + 7_200_000_000, uses: 0),
        ]
        status.configurationErrors = ["/etc/wstan.conf:3:1: it is wrong"]
        status.warnings = ["it may be better"]
        #expect(
            Self.shown(status) == """
                wstand 0.1.0, server, pid 4711
                     state  draining for 1h 2min
                            what is left then is ended in 1min 30s
                   tunnels  3 in use, 214 opened since the start
                   traffic  in 0 B/s, out 0 B/s; since the start 2.0 MB and 1.4 KB
                      idle  5 tunnels that clients keep open
                   rejects  1 replayed, 7 wrong key, 2 datagrams dropped
                       key  default  0123456789abcdef  current; used 3 times, last 4s ago
                       key  laptop  fedcba9876543210  previous, ends in 2h; used 0 times
                     error  /etc/wstan.conf:3:1: it is wrong
                   warning  it may be better
                """)
    }

    @Test func `colours say what is good, and what is not`() {
        var status = Self.status(mode: .client)
        #expect(Self.shown(status, colour: true).contains("\u{1B}[32mrunning\u{1B}[0m"))
        status.configurationErrors = ["x"]
        #expect(Self.shown(status, colour: true).contains("\u{1B}[31mrunning\u{1B}[0m"))
    }

    @Test func `tunnels line up, fit the terminal, and cannot move its cursor`() {
        let tunnels = [
            Control.Tunnel(
                id: 1, state: .using, protocol: .tcp, peer: "192.0.2.1:50000", target: "a.test\u{1B}[2J:443", key: "laptop",
                bytesReceived: 999, bytesSent: 1_500_000, startTimestampUSec: Self.now - 61_000_000,
                lastActivityTimestampUSec: Self.now),
            Control.Tunnel(
                id: 12, state: .idle, protocol: .udp, peer: "[2001:db8::1]:1", bytesReceived: 0, bytesSent: 0,
                startTimestampUSec: Self.now, lastActivityTimestampUSec: Self.now),
        ]
        #expect(
            TunnelTable(tunnels, now: Self.now, width: 200).lines == [
                "ID  STATE     AGE      IN     OUT     PEER             CLIENT  KEY     TARGET",
                "1   using     1min 1s  999 B  1.5 MB  192.0.2.1:50000  -       laptop  a.test?[2J:443",
                "12  idle/udp  0s       0 B    0 B     [2001:db8::1]:1  -       -       -",
            ])
        #expect(TunnelTable(tunnels, now: Self.now, width: 20).lines.allSatisfy { $0.count <= 20 })
        #expect(TunnelTable([], now: Self.now, width: 1).lines == ["…"])
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (9_949, "9.9 KB"), (9_950, "10 KB"), (999_499, "999 KB"),
        (999_500, "1.0 MB"), (Int.max, "9223372 TB"), (-5, "0 B"),
    ])
    func `sizes`(count: Int, text: String) {
        #expect(Amount.bytes(count) == text)
    }

    @Test(arguments: [
        ("90", 90_000_000), ("90s", 90_000_000), ("15min", 900_000_000), ("24h", 86_400_000_000), ("7d", 604_800_000_000),
        ("", nil), ("h", nil), ("-1s", nil), ("1w", nil), ("9223372036854775807d", nil), ("99999999999999999999", nil),
    ] as [(String, Int?)])
    func `times that are typed`(text: String, microseconds: Int?) {
        #expect(Amount.microseconds(text) == microseconds)
    }

    @Test(arguments: [(-1, "0s"), (59_999_999, "59s"), (60_000_000, "1min"), (90_061_000_000, "1d 1h"), (3_601_000_000, "1h")])
    func `times that are shown`(microseconds: Int, text: String) {
        #expect(Amount.time(microseconds: microseconds) == text)
    }

    @Test func `failures name the remedy`() {
        func text(_ failure: ControlConnection.Failure) -> String {
            FailureText.text(failure, unit: "wstand@home", path: "/run/wstand-home/control")
        }
        #expect(
            text(.notRunning) == "not running: systemctl start wstand@home (nobody listens on /run/wstand-home/control)")
        #expect(text(.notPermitted) == "not permitted: use sudo, or add yourself to the group wstan and log in again")
        #expect(text(.ended) == "wstand@home has closed the connection without an answer: journalctl -u wstand@home may say why")
        #expect(text(.refused(.noSuchTunnel(id: 7))) == "no tunnel has the number 7: wstanctl tunnels lists them")
        #expect(text(.refused(.wrongState("stopping"))) == "wstand is stopping, and cannot do that now")
        let diagnostics = [
            Control.Diagnostic(severity: .error, file: "/etc/wstan.conf", line: 3, column: 7, message: "no such mode"),
            Control.Diagnostic(severity: .warning, message: "a key on the command line"),
        ]
        #expect(
            text(.refused(.configurationInvalid(diagnostics))) == """
                the configuration has errors, and nothing was changed:
                  /etc/wstan.conf:3:7: error: no such mode
                  warning: a key on the command line
                """)
    }
}
