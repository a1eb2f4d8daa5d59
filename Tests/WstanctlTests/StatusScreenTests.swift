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

    private static let lost = Control.Server(
        uri: "ws://vpn.example.com:8080/f3a1/", state: .unreachable, used: true, sinceTimestampUSec: ago(minutes: 2),
        lastSuccessTimestampUSec: ago(minutes: 3), lastFailureTimestampUSec: ago(minutes: 0),
        code: "connection-refused", cause: "connection refused",
        advice: "check that wstand runs there, that it listens on the address and port of uri (not on 127.0.0.1), and that "
            + "no firewall rejects the connection")

    private static let screens: [String: GetStatus.Reply] = [
        "healthy client": client(reachable),
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

    @Test func printed() {
        for (name, status) in Self.screens.sorted(by: { $0.key < $1.key }) {
            for width in [45, 80, 140] { print("=== \(name) \(width)\n\(Self.shown(status, width))") }
        }
    }
}
