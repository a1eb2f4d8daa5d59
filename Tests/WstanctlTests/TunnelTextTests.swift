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
        #expect(listing.add(.init(tunnel: Self.tunnel(1, received: 500), event: .added)) == Flow())
        #expect(listing.add(.init(tunnel: Self.tunnel(1, received: 800), event: .changed)) == Flow(received: 300))
        #expect(listing.add(.init(tunnel: Self.tunnel(3, received: .max), event: .removed)) == Flow(received: .max))
        #expect(listing.add(.init(tunnel: Self.tunnel(9), event: .removed)) == Flow())
        #expect(listing.tunnels.map(\.id) == [1, 2])
    }

    @Test func `the meter tells of the last whole second`() {
        var meter = TrafficMeter(now: 0)
        meter.add(.init(received: 1000, sent: 10))
        meter.tick(now: 900_000)
        #expect(meter.flow == nil)
        meter.add(.init(received: 1000, sent: 10))
        meter.tick(now: 2_000_000)
        #expect(meter.flow == Flow(received: 1000, sent: 10))
        meter.tick(now: 3_000_000)
        #expect(meter.flow == Flow())
        // The clock was set back.
        meter.tick(now: 0)
        #expect(meter.flow == nil)
    }

    private static func lines(
        _ view: TunnelView, height: Int = 24, width: Int?, _ scroll: Scroll = Scroll()
    ) -> [String] {
        var scroll = scroll
        let picture = view.picture(height: height, &scroll, now: now, manner: Manner(width: width))
        return picture.lines + [picture.footer ?? ""]
    }

    @Test func `a screen has a head, and says what it has no room for`() {
        let tunnels = [Self.tunnel(1), Self.tunnel(2), Self.tunnel(3, .idle)]
        let view = TunnelView(tunnels, title: "wstand@home", flow: nil)
        #expect(
            Self.lines(view, width: 40).joined(separator: "\n") == """
                wstand@home: 3 tunnels, 2 in use

                ID  STATE   IN  OUT  TARGET
                 1  using  0 B  0 B  a-rather-lon…m:8443
                 2  using  0 B  0 B  a-rather-lon…m:8443
                 3  idle   0 B  0 B  a-rather-lon…m:8443
                q quit
                """)
        let flowing = TunnelView(tunnels, title: "wstand@home", flow: Flow(received: 5000, sent: 1))
        #expect(Self.lines(flowing, width: 80)[0] == "wstand@home: 3 tunnels, 2 in use; in 5.0 KB/s, out 1 B/s")
        #expect(
            Self.lines(view, height: 5, width: 40).suffix(2) == [" 1  using  0 B  0 B  a-rather-lon…m:8443", "1-1 of 3  q quit"])
        for height in 1...10 {
            for width in 1...60 {
                let lines = Self.lines(view, height: height, width: width)
                #expect(height < 5 || lines.count <= height)
                #expect(lines.allSatisfy { Printable.width($0) <= width })
            }
        }
    }

    @Test func `a list is scrolled by rows and pages, and stops at its ends`() {
        let view = TunnelView((1...20).map { Self.tunnel($0) }, title: "wstand", flow: nil)
        var scroll = Scroll()
        func seen(_ keys: PressedKey...) -> String {
            for key in keys {
                let isMoved = scroll.press(key)
                #expect(isMoved)
            }
            let footer = view.picture(height: 9, &scroll, now: Self.now, manner: Manner()).footer ?? ""
            return String(footer.prefix { $0 != " " })
        }
        #expect(seen() == "1-5")
        #expect(seen(.up) == "1-5")
        #expect(seen(.down, .down) == "3-7")
        #expect(seen(.pageDown) == "8-12")
        #expect(seen(.character(" "), .character(" "), .character(" ")) == "16-20")
        #expect(seen(.up) == "15-19")
        #expect(seen(.pageUp, .character("b")) == "5-9")
        #expect(seen(.end) == "16-20")
        #expect(seen(.home) == "1-5")
        // All at once, before anything is drawn.
        #expect(seen(.end, .down, .pageDown, .end, .character(" ")) == "16-20")
        #expect(seen(.end, .down, .pageUp, .home, .up) == "1-5")
        let isMoved = scroll.press(.character("x"))
        #expect(!isMoved)
    }

    @Test func `an empty list is scrolled nowhere`() {
        var scroll = Scroll()
        for key in [PressedKey.end, .down, .pageDown, .end, .pageDown] { _ = scroll.press(key) }
        #expect(scroll.rows(of: 0, height: 5) == 0..<0)
        for key in [PressedKey.end, .down, .up, .pageUp] { _ = scroll.press(key) }
        #expect(scroll.rows(of: 0, height: 0) == 0..<0)
    }
}
