import Testing
import WstanControl

@testable import wstanctl

/// What an operator sees of a status, word for word.
@Suite struct StatusTextTests {
    private static let now = 1_800_000_000_000_000

    private static func status(mode: Control.Mode) -> GetStatus.Reply {
        GetStatus.Reply(
            version: "0.1.0", mode: mode, state: .running, pid: 4711, startTimestampUSec: now - 3_725_000_000,
            configurationLoadTimestampUSec: now - 3_725_000_000,
            listeners: [
                .init(name: "listen", address: "127.0.0.1:1080", activated: false),
                .init(name: "forward db", address: "127.0.0.1:5432", activated: true),
            ], tunnelsActive: 3, tunnelsTotal: 214, bytesReceived: 2_000_000, bytesSent: 1_400)
    }

    private static func shown(
        _ status: GetStatus.Reply, _ earlier: GetStatus.Reply? = nil, manner: Manner = Manner(width: 80, isUTC: true)
    ) -> String {
        let earlier = earlier.map { StatusText.Earlier(status: $0, interval: 500_000) }
        return StatusText(status, earlier, now: now, manner: manner).lines.joined(separator: "\n")
    }

    private static func clientStatus() -> GetStatus.Reply {
        var status = status(mode: .client)
        status.instance = "home"
        status.pool = .init(size: 16, idle: 4, opening: 2, hits: 9, misses: 1, rttUSec: 12_345)
        return status
    }

    @Test func `a client's status`() {
        let status = Self.clientStatus()
        var earlier = status
        earlier.bytesReceived -= 250_000
        #expect(
            Self.shown(status, earlier) == """
                ● wstand@home 0.1.0, client, pid 4711
                     state  running for 1h 2min, since Fri 2027-01-15 06:57:55 UTC
                    config  as at the start
                   listens  127.0.0.1:1080
                            127.0.0.1:5432 (forward db, by systemd)
                   tunnels  3 in use, 214 opened since the start
                   traffic  in 500 KB/s, out 0 B/s; since the start 2.0 MB and 1.4 KB
                      pool  ████▒▒·········· 4 of 16 idle, 2 opening; 90% hits; 12 ms TCP RTT
                """)
    }

    @Test func `answers that did not prove the server are told`() {
        var status = Self.status(mode: .client)
        func line() -> String? { Self.shown(status).split(separator: "\n").first { $0.contains("proofs  ") }.map(String.init) }
        (status.impostors, status.unproven) = (0, 0)
        #expect(line() == nil)
        status.impostors = 1
        #expect(line()?.hasSuffix("proofs  1 answer not made with the server's key, since the start") == true)
        (status.impostors, status.unproven) = (0, 12)
        #expect(line()?.hasSuffix("proofs  12 WebSockets opened without the server's proof, since the start") == true)
    }

    @Test func `a server's status with all that there is to tell`() {
        var status = Self.status(mode: .server)
        status.state = .draining
        status.drainStartTimestampUSec = Self.now - 12_000_000
        status.drainDeadlineTimestampUSec = Self.now + 90_000_000
        status.configurationLoadTimestampUSec = Self.now - 60_000_000
        status.logLevel = .debug
        status.listeners = []
        status.pool = .init(size: 0, idle: 5, opening: 0, hits: 0, misses: 0)
        status.rejects = .init([.replay: 1, .badAuthentication: 7, .droppedDatagrams: 2, .draining: 4])
        status.keys = [
            .init(
                name: "default", id: "0123456789abcdef", state: .current, source: .configuration, uses: 3,
                lastUseTimestampUSec: Self.now - 4_000_000),
            .init(
                name: "laptop", id: "fedcba9876543210", state: .previous, source: .state,
                retireTimestampUSec: Self.now + 7_200_000_000, uses: 0),
        ]
        status.configurationErrors = ["/etc/wstan.conf:3:1: it is wrong"]
        status.warnings = ["it may be better, " + String(repeating: "and this takes more than a line ", count: 3)]
        #expect(
            Self.shown(status) == """
                ● wstand 0.1.0, server, pid 4711
                     state  draining for 12s, since Fri 2027-01-15 07:59:48 UTC
                            3 tunnels left: they stay open until they end by themselves
                            wstanctl drain waits for them for another 1min 30s
                            new tunnels are refused until: wstanctl undrain
                        up  for 1h 2min, since Fri 2027-01-15 06:57:55 UTC
                    config  read again 1min ago
                       log  debug and above
                   tunnels  3 in use, 214 opened since the start
                   traffic  since the start 2.0 MB and 1.4 KB
                      idle  5 tunnels that clients keep open
                   rejects  1 replayed, 7 wrong key, 2 datagrams dropped, 4 while draining
                      keys  default  0123456789abcdef  current; used 3 times, last 4s ago
                            laptop   fedcba9876543210  previous, ends in 2h; not used
                     error  /etc/wstan.conf:3:1: it is wrong
                   warning  it may be better, and this takes more than a line and this takes
                            more than a line and this takes more than a line
                """)
    }

    @Test func `keys that the server refuses are a warning, and an error where it accepts no other`() {
        var status = Self.status(mode: .server)
        status.refusedKeys = ["phone"]
        #expect(Self.shown(status).contains("   warning  accept-v1 = no refuses keys of version 1 (phone): set"))
        status.refusesAllKeys = true
        #expect(Self.shown(status).contains("     error  accept-v1 = no refuses every key (phone), so no client can connect:"))
        #expect(!Self.shown(status).contains("   warning  "))
    }

    @Test func `what becomes of the tunnels of one that drains or stops`() {
        func lines(_ state: Control.DaemonState, _ left: Int, until deadline: Int?, exits: Bool?) -> [String] {
            var status = Self.status(mode: .server)
            (status.state, status.tunnelsActive, status.drainExits) = (state, left, exits)
            status.drainDeadlineTimestampUSec = deadline.map { Self.now + $0 }
            return DrainText.lines(status, now: Self.now)
        }
        let until = "new tunnels are refused until: wstanctl undrain"
        #expect(lines(.draining, 0, until: nil, exits: false) == ["no tunnel is left", until])
        #expect(
            lines(.draining, 1, until: -5, exits: false) == [
                "1 tunnel left: they stay open until they end by themselves", until,
            ])
        #expect(lines(.draining, 2, until: nil, exits: true) == ["2 tunnels left: wstand ends when they have ended"])
        for state in [Control.DaemonState.draining, .stopping] {
            #expect(
                lines(state, 2, until: 5_000_000, exits: true) == [
                    "2 tunnels left: wstand ends when they have ended, and closes what is left in 5s"
                ])
        }
        #expect(lines(.stopping, 0, until: 5_000_000, exits: true) == ["no tunnel is left: wstand ends now"])
    }

    @Test func `a state that is not the usual one is not as old as the process`() {
        var status = Self.status(mode: .server)
        status.state = .reloading
        #expect(Self.shown(status).contains("     state  reloading\n        up  for 1h 2min, since"))
    }

    @Test func `what a stranger may not see is said to be missing`() {
        var status = Self.status(mode: .server)
        status.restricted = true
        status.rejects = .init()
        let text = Self.shown(status)
        #expect(text.contains("   rejects  none\n"))
        #expect(text.hasSuffix("      note  root and the group wstan see more: addresses, keys, exact numbers"))
        // What is rounded to 0 is left out, and no rate is made of whole megabytes.
        (status.bytesReceived, status.bytesSent) = (5_000_000, 0)
        #expect(!Self.shown(status).contains("traffic"))
        status.bytesSent = 2_000_000
        #expect(Self.shown(status).contains("   traffic  since the start 5.0 MB and 2.0 MB\n"))
    }

    /// systemctl status has taught everybody what the dot means.
    @Test func `the dot is green, yellow or red`() {
        let manner = Manner(hasColor: true, width: 80, isUTC: true)
        func dot(_ change: (inout GetStatus.Reply) -> Void) -> Substring {
            var status = Self.status(mode: .client)
            change(&status)
            return Self.shown(status, manner: manner).prefix { $0 != "●" }
        }
        #expect(dot { _ in } == "\u{1B}[32m")
        #expect(dot { $0.warnings = ["x"] } == "\u{1B}[33m")
        #expect(dot { $0.state = .draining } == "\u{1B}[33m")
        #expect(dot { $0.configurationErrors = ["x"] } == "\u{1B}[31m")
    }

    @Test func `a terminal without UTF-8 gets ASCII`() {
        let text = Self.shown(Self.clientStatus(), manner: Manner(hasSymbols: false, width: 80, isUTC: true))
        #expect(text.utf8.allSatisfy { $0 < 128 })
        #expect(text.hasPrefix("* wstand@home"))
        #expect(text.contains("####++.........."))
    }

    @Test func `it fits eighty columns, however much there is`() {
        var status = Self.clientStatus()
        status.tunnelsActive = 10_000
        status.tunnelsTotal = .max
        status.bytesReceived = .max
        status.pool = .init(size: 10_000, idle: 9_999, opening: 1_000, hits: .max, misses: 1, rttUSec: 100_000_000)
        status.keys = (0..<20).map {
            .init(
                name: "a-name-that-is-longer-than-most-\($0)", id: "0123456789abcdef", state: .previous, source: .state,
                retireTimestampUSec: Self.now + 1_000_000_000, uses: 1_000_000, lastUseTimestampUSec: Self.now - 100_000_000)
        }
        let text = Self.shown(status, Self.clientStatus())
        for line in text.split(separator: "\n") { #expect(Printable.width(String(line)) <= 80, "\(line)") }
        #expect(text.contains("and 13 more: wstanctl keys"))
    }

    @Test(arguments: [Int.min, -1, 0, .max])
    func `a daemon that says nonsense gets it shown, and no trap`(nonsense: Int) {
        var status = Self.clientStatus()
        status.startTimestampUSec = nonsense
        status.configurationLoadTimestampUSec = nonsense
        status.state = .draining
        status.drainStartTimestampUSec = nonsense
        status.drainDeadlineTimestampUSec = nonsense
        status.tunnelsActive = nonsense
        status.bytesReceived = nonsense
        status.pool = .init(
            size: nonsense, idle: nonsense, opening: nonsense, hits: nonsense, misses: nonsense, rttUSec: nonsense)
        status.keys = [
            .init(
                name: "\u{1B}[2J\u{202E}", id: "", state: .previous, source: .state, createdTimestampUSec: nonsense,
                retireTimestampUSec: nonsense, uses: nonsense, lastUseTimestampUSec: nonsense)
        ]
        for earlier in [Self.clientStatus(), status] {
            let text = Self.shown(status, earlier)
            #expect(!text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{202E}"))
        }
        #expect(!KeyTable.table(status.keys ?? [], now: Self.now, manner: Manner(width: 40)).isEmpty)
        _ = PoolText.lines(status.pool!, .client, Manner())
    }

    @Test func `the pool by itself`() {
        let pool = Control.Pool(size: 16, idle: 4, opening: 2, hits: 9, misses: 1, rttUSec: 12_345)
        #expect(
            PoolText.lines(pool, .client, Manner()).joined(separator: "\n") == """
                ████▒▒·········· 4 of 16
                  idle        4
                  opening     2
                  size        16
                  hits        9 (90%)
                  misses      1
                  round trip  12 ms (TCP)
                """)
        #expect(
            PoolText.lines(.init(size: 0, idle: 1, opening: 0, hits: 0, misses: 0), .server, Manner()) == [
                "1 tunnel that clients keep open"
            ])
        let empty = Control.Pool(size: 0, idle: 0, opening: 0, hits: 0, misses: 0)
        #expect(PoolText.line(empty, Manner()).text == "0 of 0 idle")
    }

    @Test func `the instances that run`() {
        var status = Self.status(mode: .server)
        status.tunnelsActive = 12
        let lines = [
            InstanceLine(Instance(name: nil, manager: .system, below: "/run"), status: status),
            InstanceLine(Instance(name: "home", manager: .user, below: "/run/user/1000"), status: nil),
        ]
        #expect(
            InstanceLine.table(lines, manner: Manner()).joined(separator: "\n") == """
                UNIT                MODE    STATE            TUNNELS  SOCKET
                wstand              server  running               12  /run/wstand/control
                wstand@home (user)  -       does not answer        -  /run/user/1000/wstand-home/control
                """)
    }
}
