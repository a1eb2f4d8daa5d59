import Testing
import WstanControl

@testable import wstanctl

/// Tunnels as a table, in place, and line by line.
@Suite struct TunnelTextTests {
    private static let now = 1_800_000_000_000_000

    private static let tunnels = [
        Control.Tunnel(
            id: 1, state: .using, protocol: .tcp, peer: "192.0.2.1:50000", target: "a.test\u{1B}[2J:443", key: "laptop",
            bytesReceived: 999, bytesSent: 1_500_000, startTimestampUSec: now - 3_661_000_000,
            lastActivityTimestampUSec: now, rttUSec: 20_400),
        Control.Tunnel(
            id: 12, state: .idle, protocol: .udp, peer: "[2001:db8::1]:1", bytesReceived: 0, bytesSent: 0,
            startTimestampUSec: now, lastActivityTimestampUSec: now),
    ]

    private static func tunnel(_ id: Int, _ state: Control.TunnelState = .using, received: Int = 0) -> Control.Tunnel {
        Control.Tunnel(
            id: id, state: state, protocol: .tcp, peer: "192.0.2.1:8080", client: "127.0.0.1:50000",
            target: "a-rather-long-name.of-a-host.example.com:8443", key: "default", bytesReceived: received, bytesSent: 0,
            startTimestampUSec: now, lastActivityTimestampUSec: now)
    }

    private static func table(_ tunnels: [Control.Tunnel], width: Int?) -> [String] {
        TunnelTable(tunnels, now: now, manner: Manner(width: width)).lines
    }

    @Test func `they line up, and cannot move the cursor`() {
        #expect(
            Self.table(Self.tunnels, width: nil).joined(separator: "\n") == """
                ID  STATE     AGE  IDLE     IN     OUT    RTT  KEY     PEER             TARGET
                 1  using      1h    0s  999 B  1.5 MB  20 ms  laptop  192.0.2.1:50000  a.test?[2J:443
                12  idle/udp   0s    0s    0 B     0 B      -  -       [2001:db8::1]:1  -
                """)
    }

    @Test func `in less room names are shortened, then columns go`() {
        let tunnels = [Self.tunnel(7)]
        #expect(
            Self.table(tunnels, width: 110).joined(separator: "\n") == """
                ID  STATE  AGE  IDLE   IN  OUT  RTT  KEY      PEER            CLIENT           TARGET
                 7  using   0s    0s  0 B  0 B    -  default  192.0.2.1:8080  127.0.0.1:50000  a-rather-long-name.of-a-…m:8443
                """)
        #expect(
            Self.table(tunnels, width: 80).joined(separator: "\n") == """
                ID  STATE  AGE   IN  OUT  PEER            CLIENT           TARGET
                 7  using   0s  0 B  0 B  192.0.2.1:8080  127.0.0.1:50000  a-rather-long-…m:8443
                """)
        #expect(
            Self.table(tunnels, width: 40).joined(separator: "\n") == """
                ID  STATE   IN  OUT  TARGET
                 7  using  0 B  0 B  a-rather-lon…m:8443
                """)
        for width in 1...140 {
            for line in Self.table(tunnels + Self.tunnels, width: width) {
                #expect(Printable.width(line) <= width, "\(width): \(line)")
            }
        }
    }

    @Test func `a change is a line`() {
        #expect(
            TunnelTable.change(Self.tunnels[0], .changed, now: Self.now)
                == "changed  1  using  1h  in 999 B  out 1.5 MB  peer 192.0.2.1:50000  key laptop  target a.test?[2J:443")
        #expect(
            TunnelTable.change(Self.tunnels[1], .removed, now: Self.now)
                == "removed  12  idle/udp  0s  in 0 B  out 0 B  peer [2001:db8::1]:1")
    }

    @Test func `the listing knows who is there, and what has flowed`() {
        var listing = TunnelListing()
        listing.add(.init(tunnel: Self.tunnel(2, .idle), event: .listed))
        listing.add(.init(tunnel: Self.tunnel(3), event: .listed))
        #expect(!listing.isComplete)
        listing.add(.init(event: .synchronized))
        #expect(listing.isComplete)
        #expect(listing.tunnels.map(\.id) == [3, 2])
        #expect(listing.add(.init(tunnel: Self.tunnel(1, received: 500), event: .added)) == .init())
        #expect(listing.add(.init(tunnel: Self.tunnel(1, received: 800), event: .changed)) == .init(received: 300))
        #expect(listing.add(.init(tunnel: Self.tunnel(3, received: .max), event: .removed)) == .init(received: .max))
        #expect(listing.add(.init(tunnel: Self.tunnel(9), event: .removed)) == .init())
        #expect(listing.tunnels.map(\.id) == [1, 2])
    }

    @Test func `the meter tells of the last whole second`() {
        var meter = TrafficMeter(now: 0)
        meter.add(.init(received: 1000, sent: 10))
        meter.tick(now: 900_000)
        #expect(meter.interval == 0)
        meter.add(.init(received: 1000, sent: 10))
        meter.tick(now: 2_000_000)
        #expect((meter.received, meter.sent, meter.interval) == (2000, 20, 2_000_000))
        meter.tick(now: 3_000_000)
        #expect(meter.received == 0)
        // The clock was set back.
        meter.tick(now: 0)
        #expect(meter.interval < 0)
    }

    @Test func `a screen has a head, and says what it has no room for`() {
        let tunnels = [Self.tunnel(1), Self.tunnel(2), Self.tunnel(3, .idle)]
        var meter = TrafficMeter(now: 0)
        let view = { TunnelView(tunnels, title: "wstand@home", meter: meter) }
        let manner = Manner(width: 40)
        #expect(
            view().lines(height: 24, now: Self.now, manner: manner).joined(separator: "\n") == """
                wstand@home: 3 tunnels, 2 in use

                ID  STATE   IN  OUT  TARGET
                 1  using  0 B  0 B  a-rather-lon…m:8443
                 2  using  0 B  0 B  a-rather-lon…m:8443
                 3  idle   0 B  0 B  a-rather-lon…m:8443
                """)
        meter.add(.init(received: 5000, sent: 1))
        meter.tick(now: 1_000_000)
        #expect(
            view().lines(height: 5, now: Self.now, manner: Manner(width: 80))[0]
                == "wstand@home: 3 tunnels, 2 in use; in 5.0 KB/s, out 1 B/s")
        #expect(
            view().lines(height: 5, now: Self.now, manner: manner).suffix(2) == [
                " 1  using  0 B  0 B  a-rather-lon…m:8443", "and 2 more",
            ])
        for height in 1...10 {
            for width in 1...60 {
                let lines = view().lines(height: height, now: Self.now, manner: Manner(width: width))
                #expect(height < 4 || lines.count <= height)
                #expect(lines.allSatisfy { Printable.width($0) <= width })
            }
        }
    }
}
