import Testing
import WstanControl

@testable import wstanctl

/// `wstanctl top`, and `rejects`: screens as they look at 140, 80 and 45 columns.
@Suite struct TopTextTests {
    private static let now = 1_800_000_000_000_000

    private static func tunnel(_ id: Int, _ received: Int, _ sent: Int, idle: Int = 0, age: Int = 60) -> Control.Tunnel
    {
        Control.Tunnel(
            id: id, state: .using, protocol: .tcp, peer: "192.0.2.\(id):50123", target: "www\(id).example.com:443",
            key: id == 1 ? "laptop" : "default", bytesReceived: received, bytesSent: sent,
            startTimestampUSec: now - age * 1_000_000, lastActivityTimestampUSec: now - idle * 1_000_000,
            rttUSec: 20_400)
    }

    private static let snapshot: TunnelSnapshot = {
        let before = [tunnel(1, 1000, 2000), tunnel(2, 0, 5_000_000), tunnel(3, 10, 10)]
        let after = [
            tunnel(1, 3000, 2500, age: 3700), tunnel(2, 40_000, 13_000_000), tunnel(3, 10, 10, idle: 95),
            tunnel(4, 900, 100_000, age: 1),
        ]
        return TunnelSnapshot(after, at: now, after: TunnelSnapshot(before, at: now - 2_000_000))
    }()

    private static func top(_ order: TunnelOrder = .rate, width: Int) -> String {
        var scroll = Scroll()
        let picture = TunnelView(snapshot, title: "wstand", by: order)
            .picture(height: 24, &scroll, now: now, manner: Manner(width: width))
        return (picture.lines + [picture.footer ?? ""]).joined(separator: "\n")
    }

    @Test func `top fits`() {
        #expect(
            Self.top(width: 140) == """
                wstand: 4 tunnels, 4 in use; in 21 KB/s, out 4.0 MB/s; by rate

                ID  STATE   AGE  IDLE    IN/S   OUT/S      IN     OUT    RTT  KEY      PEER             TARGET
                 2  using  1min    0s   20 KB  4.0 MB   40 KB   13 MB  20 ms  default  192.0.2.2:50123  www2.example.com:443
                 1  using    1h    0s  1.0 KB   250 B  3.0 KB  2.5 KB  20 ms  laptop   192.0.2.1:50123  www1.example.com:443
                 3  using  1min  1min     0 B     0 B    10 B    10 B  20 ms  default  192.0.2.3:50123  www3.example.com:443
                 4  using    1s    0s       -       -   900 B  100 KB  20 ms  default  192.0.2.4:50123  www4.example.com:443
                q quit  r rate  t total  a age  i idle  n number
                """)
        #expect(
            Self.top(width: 80) == """
                wstand: 4 tunnels, 4 in use; in 21 KB/s, out 4.0 MB/s; by rate

                ID  STATE   AGE  IDLE    IN/S   OUT/S  PEER             TARGET
                 2  using  1min    0s   20 KB  4.0 MB  192.0.2.2:50123  www2.example.com:443
                 1  using    1h    0s  1.0 KB   250 B  192.0.2.1:50123  www1.example.com:443
                 3  using  1min  1min     0 B     0 B  192.0.2.3:50123  www3.example.com:443
                 4  using    1s    0s       -       -  192.0.2.4:50123  www4.example.com:443
                q quit  r rate  t total  a age  i idle  n number
                """)
        #expect(
            Self.top(width: 45) == """
                wstand: 4 tunnels, 4 in use
                in 21 KB/s, out 4.0 MB/s; by rate

                ID    IN/S   OUT/S  TARGET
                 2   20 KB  4.0 MB  www2.example.com:443
                 1  1.0 KB   250 B  www1.example.com:443
                 3     0 B     0 B  www3.example.com:443
                 4       -       -  www4.example.com:443
                q quit  sort: r t a i n
                """)
        for width in 1...140 {
            #expect(Self.top(width: width).split(separator: "\n").allSatisfy { Printable.width(String($0)) <= width })
        }
    }

    @Test(arguments: [
        (TunnelOrder.rate, [2, 1, 3, 4]), (.total, [2, 4, 1, 3]), (.age, [1, 2, 3, 4]), (.idle, [3, 1, 2, 4]),
        (.number, [1, 2, 3, 4]),
    ])
    func `each order is what it says, and has a key of its own`(order: TunnelOrder, numbers: [Int]) {
        #expect(order.sorted(Self.snapshot).map(\.id) == numbers)
        #expect(TunnelOrder.allCases.map(\.key) == ["r", "t", "a", "i", "n"])
    }

    @Test func `rates are of the time between two looks, and a tunnel that was not there has none`() {
        let snapshot = Self.snapshot
        #expect(
            snapshot.flows == [
                1: Flow(received: 1000, sent: 250), 2: Flow(received: 20_000, sent: 4_000_000), 3: Flow(),
            ])
        #expect(snapshot.total == Flow(received: 21_000, sent: 4_000_250))
        #expect(TunnelSnapshot([Self.tunnel(1, 5, 5)], at: 0).total == nil)
        // The clock was set back, or a daemon says anything.
        let later = TunnelSnapshot([Self.tunnel(1, 0, 0)], at: 0, after: snapshot)
        #expect(later.total == nil && later.flows.isEmpty)
        #expect(TunnelSnapshot([Self.tunnel(1, 0, .max)], at: .max, after: snapshot).total?.received == 0)
    }

    @Test func `a refresh as JSON is one object, sorted`() {
        let line = TopLine(Self.snapshot, by: .rate)
        let text = String(decoding: JSONValue.object(ControlCoding.object(of: line)).text, as: UTF8.self)
        #expect(
            text.hasPrefix(
                #"{"timestampUSec":1800000000000000,"intervalUSec":2000000,"receivedPerSecond":21000,"sentPerSecond":4000250,"#
                    + #""tunnels":[{"tunnel":{"id":2,"#))
        #expect(!text.contains("\n"))
    }

    // MARK: Refusals

    private static let refusals = ListRejects.Reply(
        sinceTimestampUSec: now,
        refusals: [
            .init(
                address: "192.0.2.7", cause: "bad-authentication", text: "wrong key", count: 12,
                firstTimestampUSec: now - 7_200_000_000, lastTimestampUSec: now - 4_000_000),
            .init(
                address: "2001:db8::/64", cause: "expired", text: "expired: its time is 3600 s behind", key: "laptop",
                count: 1,
                firstTimestampUSec: now - 60_000_000, lastTimestampUSec: now - 60_000_000),
            .init(
                cause: "over-limit", text: "over a limit", count: 300, firstTimestampUSec: now - 90_000_000_000,
                lastTimestampUSec: now - 86_400_000_000),
        ])

    private static func rejects(width: Int) -> String {
        RefusalTable.lines(refusals, now: now, manner: Manner(width: width)).joined(separator: "\n")
    }

    @Test func `refusals fit`() {
        #expect(
            Self.rejects(width: 140) == """
                    LAST     FIRST  TIMES  ADDRESS        KEY     CAUSE
                  4s ago    2h ago     12  192.0.2.7      -       wrong key
                1min ago  1min ago      1  2001:db8::/64  laptop  expired: its time is 3600 s behind
                  1d ago    1d ago    300  -              -       over a limit
                """)
        #expect(
            Self.rejects(width: 80) == """
                    LAST  TIMES  ADDRESS        KEY     CAUSE
                  4s ago     12  192.0.2.7      -       wrong key
                1min ago      1  2001:db8::/64  laptop  expired: its time is 3600 s behind
                  1d ago    300  -              -       over a limit
                """)
        #expect(
            Self.rejects(width: 45) == """
                ADDRESS        CAUSE
                192.0.2.7      wrong key
                2001:db8::/64  expired: its time is 3600 s
                               behind
                -              over a limit
                """)
        for width in 1...140 {
            #expect(
                Self.rejects(width: width).split(separator: "\n").allSatisfy { Printable.width(String($0)) <= width })
        }
    }

    /// What one has come for: who, and why. All else goes first.
    @Test(arguments: [45, 60, 80, 100, 140])
    func `a long cause and an IPv6 address are whole on every common screen`(width: Int) {
        let cause = "unreadable (right key): ws:// at one end, wss:// or -z at the other"
        let address = "2001:db8:1234:5678::/64"
        var reply = Self.refusals
        reply.refusals[1].address = address
        reply.refusals[1].text = cause
        let lines = RefusalTable.lines(reply, now: Self.now, manner: Manner(width: width))
        let words = lines.flatMap { $0.split(separator: " ") }.map(String.init)
        #expect(words.contains(address))
        #expect(cause.split(separator: " ").allSatisfy { words.contains(String($0)) }, "\(lines)")
        #expect(!lines.contains { $0.contains("…") })
        #expect(lines.allSatisfy { Printable.width($0) <= width })
    }

    @Test func `that nothing was refused says since when`() {
        let none = ListRejects.Reply(sinceTimestampUSec: Self.now, refusals: [])
        #expect(
            RefusalTable.lines(none, now: Self.now, manner: Manner(isUTC: true))
                == ["Nothing was refused since Fri 2027-01-15 08:00:00 UTC."])
        #expect(
            RefusalTable.lines(none, now: Self.now, manner: Manner(width: 45, isUTC: true))
                == ["Nothing was refused since Fri 2027-01-15", "08:00:00 UTC."])
    }
}
