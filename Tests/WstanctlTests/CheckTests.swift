import Testing
import WstanControl

@testable import wstanctl

/// What a monitor reads, and with which exit status.
@Suite struct CheckTests {
    private static let now = 1_800_000_000_000_000
    private static let day = 86_400_000_000

    private static func server(_ state: Control.ServerState, used: Bool = true, cause: String? = nil) -> Control.Server
    {
        Control.Server(
            uri: "ws://h:80/", state: state, used: used, sinceTimestampUSec: now - 120_000_000,
            lastFailureTimestampUSec: now, cause: cause, tunnels: 0, rttUSec: 12_000)
    }

    private static func check(
        _ servers: [Control.Server] = [], systemctl: String = "systemctl",
        _ change: (inout GetStatus.Reply) -> Void = { _ in }
    ) -> Check {
        var status = GetStatus.Reply(
            version: "1", mode: .client, state: .running, pid: 1, startTimestampUSec: now - 1_000_000,
            configurationLoadTimestampUSec: now - 1_000_000, listeners: [], tunnelsActive: 3, tunnelsTotal: 4,
            bytesReceived: 5, bytesSent: 6)
        status.pool = .init(size: 16, idle: 4, opening: 0, hits: 0, misses: 0)
        status.servers = servers
        change(&status)
        return Check(status, now: now, systemctl: systemctl)
    }

    @Test func `all is well`() {
        let check = Self.check([Self.server(.reachable)])
        #expect(
            check.line == "OK - server ws://h:80/ reachable for 2min, 3 tunnels in use | tunnels=3 idle=4 rtt=12000us")
        #expect(check.status.exitCode == 0)
        #expect(
            Self.check {
                $0.mode = .server
                $0.servers = nil
            }.line == "OK - server, 3 tunnels in use | tunnels=3 idle=4")
    }

    @Test func `a server that is lost is critical, unless another one works`() {
        let lost = Self.server(.unreachable, cause: "connection refused")
        let alone = Self.check([lost])
        #expect(
            alone.line
                == "CRITICAL - server ws://h:80/ unreachable for 2min: connection refused | tunnels=3 idle=4 rtt=12000us"
        )
        #expect(alone.status.exitCode == 2)
        #expect(Self.check([lost, Self.server(.reachable)]).status == .warning)
        #expect(Self.check([lost, Self.server(.unknown, used: false)]).status == .critical)
    }

    @Test func `a server that listens elsewhere, or otherwise, than its configuration says is a warning`() {
        func line(_ change: (inout GetStatus.Reply) -> Void) -> String {
            Self.check {
                $0.mode = .server
                $0.servers = nil
                change(&$0)
            }.line
        }
        let passed = Control.Listener(name: "listen", address: "[::]:443", activated: true)
        let replaced = line {
            $0.listeners = [passed]
            $0.replacedListen = ["127.0.0.1:8080"]
        }
        #expect(replaced.hasPrefix("WARNING - listen = 127.0.0.1:8080 is not in force: systemd listens on [::]:443 |"))
        let hidden = line { $0.replacedListen = [] }
        #expect(hidden.hasPrefix("WARNING - listen is not in force: systemd listens on other addresses |"))
        let text = "although its uri says wss: right only behind a front that terminates TLS |"
        #expect(line { $0.withoutTLS = ["[::]:443"] }.hasPrefix("WARNING - serves without TLS on [::]:443 " + text))
        #expect(line { $0.withoutTLS = [] }.hasPrefix("WARNING - serves without TLS " + text))
        let behindFront = line {
            $0.withoutTLS = ["[::]:443"]
            $0.trustsFront = true
        }
        #expect(behindFront.hasPrefix("OK - "))
    }

    @Test func `keys that a server refuses are a warning, and critical where it accepts no other`() {
        func check(_ names: [String], _ areAll: Bool) -> Check {
            Self.check {
                $0.mode = .server
                $0.servers = nil
                ($0.refusedKeys, $0.refusesAllKeys) = (names, areAll)
            }
        }
        let some = check(["default", "phone"], false)
        #expect(some.status.exitCode == 1)
        #expect(
            some.text
                == "accept-v1 = no refuses keys of version 1 (default, phone): set accept-v1 = yes until their clients have moved to "
                + "version 2 (wstanctl add-key NAME --v2), and retire the keys then (wstanctl retire-key ID)")
        let all = check(["default"], true)
        #expect(all.status.exitCode == 2)
        #expect(all.text.hasPrefix("accept-v1 = no refuses every key (default), so no client can connect: set "))
        #expect(check([], false).text == "accept-v1 = no refuses keys of version 1: sudo wstanctl status")
        #expect(check([], true).text == "accept-v1 = no refuses every key, so no client can connect: sudo wstanctl status")
        let many = check((0..<25).map { "d\($0)" }, false)
        #expect(many.text.contains("d18, d19 and 5 more): set"))
    }

    @Test func `what is not known is not OK`() {
        let check = Self.check([Self.server(.unknown)])
        #expect(check.line.hasPrefix("UNKNOWN - server ws://h:80/ not tried yet"))
        #expect(check.status.exitCode == 3)
        #expect(Self.check([Self.server(.unknown, cause: "404")]).status == .warning)
        var silent = Self.server(.unknown)
        silent.trying = true
        #expect(Self.check([silent]).text == "server ws://h:80/ being tried")
        silent.lastSuccessTimestampUSec = Self.now - 40_000_000
        #expect(Self.check([silent]).text == "server ws://h:80/ no answer for 40s")
        silent.trying = false
        #expect(Self.check([silent]).text == "server ws://h:80/ not tried since it worked 40s ago")
        // A second server that was never needed.
        #expect(Self.check([Self.server(.reachable), Self.server(.unknown, used: false)]).status == .ok)
    }

    @Test func `what an administrator has left undone is a warning, what fails next is critical`() {
        let good = [Self.server(.reachable)]
        func status(_ change: (inout GetStatus.Reply) -> Void) -> (Check.Status, String) {
            let check = Self.check(good, change)
            return (check.status, check.text)
        }
        #expect(status { $0.requiresRestart = ["uri", "threads"] } == (.warning, "restart needed for uri, threads"))
        #expect(status { $0.requiresRestart = [] }.0 == .ok)
        #expect(status { $0.filesChanged = true } == (.warning, "configuration files changed since they were read"))
        #expect(status { $0.warnings = ["a", "b"] } == (.warning, "a; b"))
        #expect(status { $0.warningCount = 2 } == (.warning, "2 warnings, shown to root: sudo wstanctl status"))
        #expect(status { $0.state = .draining } == (.warning, "draining"))
        #expect(
            status {
                $0.state = .draining
                $0.drainStartTimestampUSec = Self.now - 12_000_000
            } == (.warning, "draining for 12s, 3 tunnels left"))
        #expect(
            status {
                $0.reloadFailureTimestampUSec = Self.now - 300_000_000
                $0.configurationErrors = ["x"]
            }
                == (.critical, "last reload failed 5min ago: x"))
        #expect(status { $0.configurationErrors = ["x"] } == (.critical, "last reload failed: x"))
    }

    @Test func `advice is for the service manager of the instance`() {
        let advice = ["systemctl", "systemctl --user"].map { systemctl in
            Self.check([Self.server(.reachable)], systemctl: systemctl) { $0.requiresRestart = ["uri"] }.concerns[0].advice
        }
        #expect(advice == ["systemctl restart wstand", "systemctl --user restart wstand"])
    }

    @Test func `a certificate is a warning two weeks before its end`() {
        func status(_ end: Int, _ change: (inout Control.Certificate) -> Void = { _ in }) -> (Check.Status, String) {
            let check = Self.check {
                var certificate = Control.Certificate(names: ["a.example"], endTimestampUSec: end)
                change(&certificate)
                ($0.mode, $0.servers, $0.certificate) = (.server, nil, certificate)
            }
            return (check.status, check.text)
        }
        #expect(status(Self.now + 14 * Self.day).0 == .ok)
        #expect(status(Self.now + 14 * Self.day - 1) == (.warning, "certificate expires on 2027-01-29, in 13 days"))
        #expect(status(Self.now + 1) == (.warning, "certificate expires on 2027-01-15, in less than a day"))
        #expect(status(Self.now - Self.day) == (.critical, "certificate expired on 2027-01-14, 1 day ago"))
        #expect(
            status(.max) { $0.mismatchedHost = "b.example" }
                == (.critical, "certificate is for a.example, not for b.example"))
        #expect(status(.max) { $0.refusal = "it is damaged" } == (.warning, "new certificate not used: it is damaged"))
        var server = Self.server(.reachable)
        server.certificateEndTimestampUSec = Self.now + Self.day
        #expect(
            Self.check([server]).text == "certificate of server ws://h:80/ expires on 2027-01-16, in 1 day")
    }

    @Test func `a client's key is a warning from two weeks before its end on, with the command that helps`() {
        func check(_ end: Int?, replaced: Bool = true, _ change: (inout Control.Server) -> Void = { _ in }) -> Check {
            var server = Self.server(.reachable)
            (server.keyEndTimestampUSec, server.keyReplaced) = (end, replaced ? true : nil)
            change(&server)
            return Self.check([server]) {
                $0.instance = "home"
                $0.keys = [.init(name: "default", id: "00ff", state: .current, source: .state, uses: 1)]
            }
        }
        #expect(check(Self.now + 14 * Self.day).status == .ok)
        #expect(check(Self.now + 14 * Self.day, replaced: false).status == .ok)
        #expect(check(nil, replaced: false).status == .ok)
        let command = "wstanctl -i home rotate-key --key-file - takes the new key"
        let near = check(Self.now + 14 * Self.day - 60_000_000)
        #expect(
            near.line.hasPrefix("WARNING - key for server ws://h:80/ expires on 2027-01-29, in 13d 23h: \(command) |"))
        #expect(near.status.exitCode == 1)
        #expect(
            near.concerns.map(\.advice) == [
                "at the server, wstanctl client-config --key NAME prints the new key; NAME is that of the ID 00ff in wstanctl keys"
            ])
        let alone = check(Self.now + 3_600_000_000, replaced: false)
        #expect(alone.text == "key for server ws://h:80/ expires on 2027-01-15, in 1h: \(command)")
        #expect(alone.concerns[0].advice?.hasPrefix("at the server, wstanctl rotate-key NAME makes a new key") == true)
        #expect(check(nil).text == "key for server ws://h:80/ was replaced at the server and will be refused: \(command)")
        #expect(check(Self.now - 1).text == "key for server ws://h:80/ expired on 2027-01-15: \(command)")
    }

    @Test func `the worst comes first, on one line that a bar does not cut`() {
        let check = Self.check([Self.server(.unreachable, cause: "a | b\nc")]) { $0.state = .draining }
        #expect(
            check.line
                == "CRITICAL - server ws://h:80/ unreachable for 2min: a / b?c; draining | tunnels=3 idle=4 rtt=12000us"
        )
    }

    @Test func `a daemon that cannot be asked`() {
        let home = Instance(name: "home", manager: .system, below: "/run")
        let check = Check(Failure(.notRunning, of: home))
        #expect(check.line == "UNKNOWN - no configuration for wstand@home (/etc/wstan/home.conf). Make one: wstanctl init client home")
        #expect(Check(Failure(.timedOut, of: home)).status == .critical)
        #expect(Check(Failure(.notPermitted, of: home)).status == .unknown)
        #expect(Check(Failure("a:\n  b", status: .usage)).line == "UNKNOWN - a: b")
    }

    @Test(arguments: [Int.min, -1, 0, .max])
    func `a daemon that says nonsense gets it told, and no trap`(nonsense: Int) {
        for state in Control.ServerState.allCases {
            var server = Self.server(state, cause: "x")
            server.sinceTimestampUSec = nonsense
            server.lastSuccessTimestampUSec = nonsense
            server.lastFailureTimestampUSec = nonsense
            server.certificateEndTimestampUSec = nonsense
            server.keyEndTimestampUSec = nonsense
            server.rttUSec = nonsense
            let check = Self.check([server, server]) {
                $0.reloadFailureTimestampUSec = nonsense
                $0.warningCount = nonsense
                $0.certificate = .init(names: [], endTimestampUSec: nonsense)
            }
            #expect(!check.line.contains("\n"))
            for count in [1, 2] { #expect(!LinkText.lines(server, among: count, now: Self.now).isEmpty) }
        }
    }

    @Test func `which instance is meant when none runs`() {
        func chosen(_ enabled: [Instance], _ clients: [String], _ hasServer: Bool) -> [String] {
            ExpectedInstances.choose(enabled: enabled, clients: clients, hasServer: hasServer).map(\.unit)
        }
        let home = Instance(name: "home", manager: .user, below: "/run/user/7")
        #expect(chosen([], [], false) == [])
        #expect(chosen([], ["home"], false) == ["wstand@home"])
        #expect(chosen([], ["home"], true) == ["wstand", "wstand@home"])
        #expect(chosen([home], ["work"], true) == ["wstand@home"])
        #expect(
            FailureText.noneRuns([])
                == "wstand is not running. Start it: systemctl start wstand (on a fresh install run wstanctl init first)"
        )
        #expect(
            FailureText.noneRuns([home]) == "wstand@home (user) is not running. Start it: systemctl --user start wstand@home")
        let server = Instance(name: nil, manager: .system, below: "/run")
        #expect(
            FailureText.noneRuns([server, home], failed: [(home, "exit-code, status 78")])
                == "wstand@home (user) is not running: its service has failed (exit-code, status 78). journalctl --user -u "
                + "wstand@home -n 20 may say why. Correct it, then: systemctl --user restart wstand@home")
        #expect(
            FailureText.noneRuns([server, home])
                == "wstand is not running. Start an instance: systemctl start wstand, or systemctl --user start wstand@home"
        )
    }

    @Test func `the path of a URI goes, whatever it is`() {
        func without(_ uri: String) -> String { Control.Server(uri: uri, state: .unknown, used: false).withoutPath.uri }
        #expect(without("wss://a.example:443/secret/path/") == "wss://a.example:443/")
        #expect(without("ws://[::1]:80/") == "ws://[::1]:80/")
        #expect(without("nonsense") == "nonsense/")
        #expect(without("") == "/")
    }
}
