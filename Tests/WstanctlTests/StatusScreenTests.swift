import Testing
import WstanControl

@testable import wstanctl

/// What an administrator sees at a glance, at three widths, word for word.
@Suite struct StatusScreenTests {
    private static let now = 1_800_000_000_000_000
    private static let day = 86_400_000_000

    private static func ago(minutes: Int) -> Int { now - minutes * 60_000_000 }

    private static func status(_ mode: Control.Mode, _ change: (inout GetStatus.Reply) -> Void) -> GetStatus.Reply {
        var status = GetStatus.Reply(
            version: "0.2.0", mode: mode, state: .running, pid: 4711, startTimestampUSec: ago(minutes: 62),
            configurationLoadTimestampUSec: ago(minutes: 62), listeners: [], tunnelsActive: 3, tunnelsTotal: 214,
            bytesReceived: 2_000_000, bytesSent: 1_400)
        change(&status)
        return status
    }

    private static func client(_ servers: Control.Server..., change: (inout GetStatus.Reply) -> Void = { _ in })
        -> GetStatus.Reply
    {
        status(.client) { status in
            status.instance = "home"
            status.listeners = [.init(name: "listen", address: "127.0.0.1:1080", activated: false)]
            status.pool = .init(size: 16, idle: 4, opening: 0, hits: 9, misses: 1, rttUSec: 12_345)
            status.servers = servers
            change(&status)
        }
    }

    private static let reachable = Control.Server(
        uri: "ws://vpn.example.com:8080/f3a1/", state: .reachable, used: true, sinceTimestampUSec: ago(minutes: 61),
        lastSuccessTimestampUSec: ago(minutes: 0), tunnels: 7, rttUSec: 12_345)

    /// Of version 2, behind a front that removes cookies, some hours before its key ends.
    private static let ending = Control.Server(
        uri: "ws://vpn.example.com:8080/f3a1/", state: .reachable, used: true, sinceTimestampUSec: ago(minutes: 61),
        lastSuccessTimestampUSec: ago(minutes: 0), tunnels: 7, rttUSec: 12_345, carrier: .path,
        carrierCause: "a request in a cookie was answered 403 Forbidden (Server: nginx)", keyReplaced: true,
        keyEndTimestampUSec: now + 83_100_000_000)

    private static let lost = Control.Server(
        uri: "ws://vpn.example.com:8080/f3a1/", state: .unreachable, used: true, sinceTimestampUSec: ago(minutes: 2),
        lastSuccessTimestampUSec: ago(minutes: 3), lastFailureTimestampUSec: ago(minutes: 0),
        code: "connection-refused", cause: "connection refused",
        advice: "check that wstand runs there, that it listens on the address and port of uri (not on 127.0.0.1), and that "
            + "no firewall rejects the connection")

    private static let screens: [String: GetStatus.Reply] = [
        "healthy client": client(reachable),
        "key that ends": client(ending) { status in
            status.keys = [.init(name: "default", id: "0123456789abcdef", state: .current, source: .state, uses: 3)]
        },
        "server gone": client(lost) { status in
            status.tunnelsActive = 0
            status.pool = .init(size: 16, idle: 0, opening: 0, hits: 9, misses: 1)
        },
        "first of two gone": {
            var first = lost
            var second = reachable
            first.used = false
            second.uri = "wss://backup.example.net:443/f3a1/"
            second.sinceTimestampUSec = ago(minutes: 2)
            second.certificateEndTimestampUSec = now + 60 * day
            return client(first, second)
        }(),
        "expired certificate": status(.server) { status in
            status.listeners = [.init(name: "listen", address: "0.0.0.0:443", activated: true)]
            status.pool = .init(size: 0, idle: 5, opening: 0, hits: 0, misses: 0)
            status.rejects = .init()
            status.certificate = .init(
                file: "/etc/wstan/tls/fullchain.pem", names: ["vpn.example.com"], endTimestampUSec: now - 3 * day)
        },
        "pending restart": status(.server) { status in
            status.listeners = [.init(name: "listen", address: "127.0.0.1:8080", activated: false)]
            status.pool = .init(size: 0, idle: 1, opening: 0, hits: 0, misses: 0)
            status.rejects = .init([.badAuthentication: 7])
            status.configurationLoadTimestampUSec = ago(minutes: 1)
            status.requiresRestart = ["uri", "threads"]
            status.filesChanged = true
        },
        "failed reload": client(reachable) { status in
            status.reloadFailureTimestampUSec = ago(minutes: 5)
            status.configurationErrors = ["/etc/wstan/home.conf:3:7: uri: not a URI: write it like ws://host:port/path"]
            status.keys = [
                .init(
                    name: "default", id: "0123456789abcdef", state: .current, source: .configuration, uses: 3,
                    lastUseTimestampUSec: now - 4_000_000)
            ]
        },
    ]

    private static func shown(_ status: GetStatus.Reply, _ width: Int) -> String {
        StatusText(status, nil, now: now, manner: Manner(width: width, isUTC: true)).lines.joined(separator: "\n")
    }

    private func expect(_ name: String, at width: Int, _ screen: String, line: SourceLocation = #_sourceLocation) throws {
        let status = try #require(Self.screens[name])
        let shown = Self.shown(status, width)
        #expect(shown == screen, sourceLocation: line)
        #expect(shown.split(separator: "\n").allSatisfy { Printable.width(String($0)) <= width }, sourceLocation: line)
    }

    @Test func `a healthy client`() throws {
        try expect("healthy client", at: 45, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri
                        2027-01-15 06:58:00 UTC
                config  as at the start
                server  ws://vpn.example.com:8080/f3a1/
                        reachable for 1h
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the
                        start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············
                        4 of 16 idle; 90% hits; 12 ms TCP
                        RTT
            """)
        try expect("healthy client", at: 80, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                server  ws://vpn.example.com:8080/f3a1/ reachable for 1h
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············ 4 of 16 idle; 90% hits; 12 ms TCP RTT
            """)
        try expect("healthy client", at: 140, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                server  ws://vpn.example.com:8080/f3a1/ reachable for 1h
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············ 4 of 16 idle; 90% hits; 12 ms TCP RTT
            """)
    }

    @Test func `a client whose key ends soon, and which has changed the carrier`() throws {
        try expect("key that ends", at: 45, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri
                        2027-01-15 06:58:00 UTC
                config  as at the start
                server  ws://vpn.example.com:8080/f3a1/
                        reachable for 1h, carrier path
                          carrier changed: a request in a
                          cookie was answered 403
                          Forbidden (Server: nginx)
                          to begin with it: carrier =
                          path in [client]
                          the key expires on 2027-01-16,
                          in 23h 5min
                          at the server, wstanctl
                          client-config --key NAME prints
                          the new key; NAME is that of
                          the ID 0123456789abcdef in
                          wstanctl keys
                          wstanctl -i home rotate-key
                          --key-file - takes the new key
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the
                        start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············
                        4 of 16 idle; 90% hits; 12 ms TCP
                        RTT
                  keys  default  0123456789abcdef
                          current; used 3 times
            """)
        try expect("key that ends", at: 80, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                server  ws://vpn.example.com:8080/f3a1/ reachable for 1h, carrier path
                          carrier changed: a request in a cookie was answered 403 Forbidden
                          (Server: nginx)
                          to begin with it: carrier = path in [client]
                          the key expires on 2027-01-16, in 23h 5min
                          at the server, wstanctl client-config --key NAME prints the new
                          key; NAME is that of the ID 0123456789abcdef in wstanctl keys
                          wstanctl -i home rotate-key --key-file - takes the new key
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············ 4 of 16 idle; 90% hits; 12 ms TCP RTT
                  keys  default  0123456789abcdef  current; used 3 times
            """)
    }

    @Test func `a client whose only server has gone`() throws {
        try expect("server gone", at: 45, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri
                        2027-01-15 06:58:00 UTC
                config  as at the start
                server  ws://vpn.example.com:8080/f3a1/
                        unreachable for 2min: connection
                        refused
                          check that wstand runs there,
                          that it listens on the address
                          and port of uri (not on
                          127.0.0.1), and that no
                          firewall rejects the connection
                          last heard of 3min ago
               listens  127.0.0.1:1080
               tunnels  0 in use, 214 opened since the
                        start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ················
                        0 of 16 idle; 90% hits
            """)
        try expect("server gone", at: 80, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                server  ws://vpn.example.com:8080/f3a1/ unreachable for 2min: connection
                        refused
                          check that wstand runs there, that it listens on the address and
                          port of uri (not on 127.0.0.1), and that no firewall rejects the
                          connection
                          last heard of 3min ago
               listens  127.0.0.1:1080
               tunnels  0 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ················ 0 of 16 idle; 90% hits
            """)
        try expect("server gone", at: 140, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                server  ws://vpn.example.com:8080/f3a1/ unreachable for 2min: connection refused
                          check that wstand runs there, that it listens on the address and port of uri (not on 127.0.0.1), and that no firewall rejects
                          the connection
                          last heard of 3min ago
               listens  127.0.0.1:1080
               tunnels  0 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ················ 0 of 16 idle; 90% hits
            """)
    }

    @Test func `two servers, of which the first has gone`() throws {
        try expect("first of two gone", at: 45, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri
                        2027-01-15 06:58:00 UTC
                config  as at the start
               servers  ws://vpn.example.com:8080/f3a1/
                        unreachable for 2min: connection
                        refused
                          check that wstand runs there,
                          that it listens on the address
                          and port of uri (not on
                          127.0.0.1), and that no
                          firewall rejects the connection
                          last heard of 3min ago
                        wss://backup.example.net:443/
                        f3a1/ reachable for 2min, in use,
                        12 ms TCP RTT
                          certificate expires on
                          2027-03-16, in 60 days
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the
                        start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············
                        4 of 16 idle; 90% hits; 12 ms TCP
                        RTT
            """)
        try expect("first of two gone", at: 80, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
               servers  ws://vpn.example.com:8080/f3a1/ unreachable for 2min: connection
                        refused
                          check that wstand runs there, that it listens on the address and
                          port of uri (not on 127.0.0.1), and that no firewall rejects the
                          connection
                          last heard of 3min ago
                        wss://backup.example.net:443/f3a1/ reachable for 2min, in use, 12 ms
                        TCP RTT
                          certificate expires on 2027-03-16, in 60 days
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············ 4 of 16 idle; 90% hits; 12 ms TCP RTT
            """)
        try expect("first of two gone", at: 140, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
               servers  ws://vpn.example.com:8080/f3a1/ unreachable for 2min: connection refused
                          check that wstand runs there, that it listens on the address and port of uri (not on 127.0.0.1), and that no firewall rejects
                          the connection
                          last heard of 3min ago
                        wss://backup.example.net:443/f3a1/ reachable for 2min, in use, 12 ms TCP RTT
                          certificate expires on 2027-03-16, in 60 days
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············ 4 of 16 idle; 90% hits; 12 ms TCP RTT
            """)
    }

    @Test func `a server with an expired certificate`() throws {
        try expect("expired certificate", at: 45, """
            ● wstand 0.2.0, server, pid 4711
                 state  running for 1h 2min, since Fri
                        2027-01-15 06:58:00 UTC
                config  as at the start
                  cert  for vpn.example.com, expired on
                        2027-01-12, 3 days ago: renew it
                        /etc/wstan/tls/fullchain.pem
               listens  0.0.0.0:443 (by systemd)
               tunnels  3 in use, 214 opened since the
                        start
               traffic  since the start 2.0 MB and 1.4 KB
                  idle  5 tunnels that clients keep open
               rejects  none
            """)
        try expect("expired certificate", at: 80, """
            ● wstand 0.2.0, server, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                  cert  for vpn.example.com, expired on 2027-01-12, 3 days ago: renew it
                        /etc/wstan/tls/fullchain.pem
               listens  0.0.0.0:443 (by systemd)
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  idle  5 tunnels that clients keep open
               rejects  none
            """)
        try expect("expired certificate", at: 140, """
            ● wstand 0.2.0, server, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                  cert  for vpn.example.com, expired on 2027-01-12, 3 days ago: renew it
                        /etc/wstan/tls/fullchain.pem
               listens  0.0.0.0:443 (by systemd)
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  idle  5 tunnels that clients keep open
               rejects  none
            """)
    }

    @Test func `settings that wait for a restart`() throws {
        try expect("pending restart", at: 45, """
            ● wstand 0.2.0, server, pid 4711
                 state  running for 1h 2min, since Fri
                        2027-01-15 06:58:00 UTC
                config  read again 1min ago
                        files changed since: systemctl
                        reload wstand
               restart  needed for uri, threads:
                        systemctl restart wstand
               listens  127.0.0.1:8080
               tunnels  3 in use, 214 opened since the
                        start
               traffic  since the start 2.0 MB and 1.4 KB
                  idle  1 tunnel that clients keep open
               rejects  7 wrong key
            """)
        try expect("pending restart", at: 80, """
            ● wstand 0.2.0, server, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  read again 1min ago
                        files changed since: systemctl reload wstand
               restart  needed for uri, threads: systemctl restart wstand
               listens  127.0.0.1:8080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  idle  1 tunnel that clients keep open
               rejects  7 wrong key
            """)
        try expect("pending restart", at: 140, """
            ● wstand 0.2.0, server, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  read again 1min ago
                        files changed since: systemctl reload wstand
               restart  needed for uri, threads: systemctl restart wstand
               listens  127.0.0.1:8080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  idle  1 tunnel that clients keep open
               rejects  7 wrong key
            """)
    }

    @Test func `a reload that failed`() throws {
        try expect("failed reload", at: 45, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri
                        2027-01-15 06:58:00 UTC
                config  as at the start
                        the last reload failed 5min ago
                        and changed nothing
                server  ws://vpn.example.com:8080/f3a1/
                        reachable for 1h
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the
                        start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············
                        4 of 16 idle; 90% hits; 12 ms TCP
                        RTT
                  keys  default  0123456789abcdef
                          current; used 3 times, last 4s
                          ago
                 error  /etc/wstan/home.conf:3:7: uri:
                        not a URI: write it like
                        ws://host:port/path
            """)
        try expect("failed reload", at: 80, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                        the last reload failed 5min ago and changed nothing
                server  ws://vpn.example.com:8080/f3a1/ reachable for 1h
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············ 4 of 16 idle; 90% hits; 12 ms TCP RTT
                  keys  default  0123456789abcdef  current; used 3 times, last 4s ago
                 error  /etc/wstan/home.conf:3:7: uri: not a URI: write it like
                        ws://host:port/path
            """)
        try expect("failed reload", at: 140, """
            ● wstand@home 0.2.0, client, pid 4711
                 state  running for 1h 2min, since Fri 2027-01-15 06:58:00 UTC
                config  as at the start
                        the last reload failed 5min ago and changed nothing
                server  ws://vpn.example.com:8080/f3a1/ reachable for 1h
               listens  127.0.0.1:1080
               tunnels  3 in use, 214 opened since the start
               traffic  since the start 2.0 MB and 1.4 KB
                  pool  ████············ 4 of 16 idle; 90% hits; 12 ms TCP RTT
                  keys  default  0123456789abcdef  current; used 3 times, last 4s ago
                 error  /etc/wstan/home.conf:3:7: uri: not a URI: write it like ws://host:port/path
            """)
    }
}
