import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

@Suite struct ListenPlanTests {
    private static func client(_ listen: [ListenAddress], _ forwards: [Forward] = []) throws -> Settings {
        var settings = Settings(mode: .client, uri: try ServerURI("ws://server.test/"), key: .text(Secret("key")))
        settings.listen = listen
        settings.forwards = forwards
        return settings
    }

    private static func forward(
        _ name: String, _ transport: Forward.Transport, on port: UInt16, to host: String = "db.test"
    ) -> Forward {
        Forward(
            name: name, listen: [.tcp(host: "127.0.0.1", port: port)], target: TargetAddress(host: host, port: 5432),
            transport: transport)
    }

    private static func passed(_ name: String) throws -> PassedSocket {
        let address = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 443)
        return PassedSocket(descriptor: 3, name: name, kind: .listener(.network(address)))
    }

    @Test func `localhost is both loopback addresses, of which one may be missing`() throws {
        let plan = try ListenPlan(try Self.client([.tcp(host: "localhost", port: 1080)]), SocketActivation())
        #expect(plan.entries.map(\.group) == [.tcp(host: "localhost", port: 1080), .tcp(host: "localhost", port: 1080)])
        #expect(plan.entries[0].isSibling(of: plan.entries[1]))
        #expect(plan.entries.allSatisfy { $0.name == "listen" && $0.forward == nil && $0.purpose == .service })
    }

    @Test func `a forward's entrances lead to its target`() throws {
        let forwards = [Self.forward("db", .tcp, on: 1), Self.forward("dns", .udp, on: 2)]
        let plan = try ListenPlan(try Self.client([.unix("/run/door")], forwards), SocketActivation())
        let target = try #require(Address(TargetAddress(host: "db.test", port: 5432)))
        #expect(plan.entries.map(\.purpose) == [.service, .connections(to: target), .datagrams(to: target)])
        #expect(plan.entries.map(\.name) == ["listen", "forward db", "forward dns"])
    }

    @Test func `passed sockets take the place of what is configured, which is told`() throws {
        let forwards = [Self.forward("db", .tcp, on: 1)]
        let sockets = [try Self.passed("forward-db"), try Self.passed("listen")]
        let settings = try Self.client([.tcp(host: "localhost", port: 1080)], forwards)
        let plan = try ListenPlan(settings, try SocketActivation(sockets, forwards: forwards))
        #expect(plan.entries.map(\.source) == [.passed(sockets[1]), .passed(sockets[0])])
        #expect(plan.unused.map(\.setting) == ["listen", "[forward db] listen"])
        // A socket at the port of `listen` is what that asks for.
        let same = try Self.client([.tcp(host: "0.0.0.0", port: 443)])
        #expect(try ListenPlan(same, try SocketActivation([try Self.passed("listen")], forwards: [])).unused.isEmpty)
    }

    @Test(
        arguments: [
            ("127.0.0.1:443", false), ("localhost:443", false), ("host.test:443", false), ("0.0.0.0:443", true),
            ("127.0.0.2:443", true), ("127.0.0.1:8080", true), ("unix:/run/door", true),
            ("127.0.0.1:443, 127.0.0.1:444", true), ("localhost:1080", false),
        ])
    func `a listen of its own that the passed socket does not serve is replaced`(text: String, isReplaced: Bool) throws {
        let settings = try Self.client(try ListenAddress.list(text))
        let plan = try ListenPlan(settings, try SocketActivation([try Self.passed("listen")], forwards: []))
        #expect(plan.replaced == (isReplaced ? settings.listen : []))
        #expect(try ListenPlan(try Self.client([.tcp(host: "127.0.0.1", port: 9)]), SocketActivation()).replaced.isEmpty)
    }

    @Test func `all addresses of one IP version are as good as those of both`() throws {
        func agree(_ one: String, _ other: String) throws -> Bool {
            try ListenAddress.list(one).agree(with: try ListenAddress.list(other))
        }
        #expect(try agree("0.0.0.0:443", "[::]:443") && agree("*:443", "[::]:443"))
        #expect(try agree("localhost:1, unix:/a", "127.0.0.1:1, [::1]:1, unix:/a"))
        #expect(try !agree("127.0.0.1:443", "[::]:443") && !agree("127.0.0.1:8080", "127.0.0.1:8080, [::]:443"))
    }

    @Test func `another value of a setting that sockets were passed for is told at a reload`() throws {
        let forwards = [Self.forward("db", .tcp, on: 1), Self.forward("own", .tcp, on: 2)]
        let settings = try Self.client([.tcp(host: "127.0.0.1", port: 1080)], forwards)
        let sockets = [try Self.passed("forward-db"), try Self.passed("listen")]
        let plan = try ListenPlan(settings, try SocketActivation(sockets, forwards: forwards))
        #expect(plan.hasPassedListeners && plan.unusedNews(since: settings).isEmpty)
        let former = try Self.client(
            [.unix("/run/door")], [Self.forward("db", .tcp, on: 3), Self.forward("own", .tcp, on: 4)])
        let end = " is not opened: sockets that were passed take its place; change the socket unit instead"
        #expect(
            plan.unusedNews(since: former)
                == ["listen = 127.0.0.1:1080" + end, "[forward db] listen = 127.0.0.1:1" + end])
        let opened = try ListenPlan(settings, SocketActivation())
        #expect(!opened.hasPassedListeners && opened.unusedNews(since: former).isEmpty)
    }

    @Test func `the same place is the same entrance, unless one is for datagrams`() throws {
        func entries(_ transport: Forward.Transport, to host: String = "a.test") throws -> [ListenPlan.Entry] {
            let forward = Self.forward("one", transport, on: 7, to: host)
            return try ListenPlan(try Self.client([.tcp(host: "127.0.0.1", port: 8)], [forward]), SocketActivation())
                .entries
        }
        let tcp = try entries(.tcp)
        #expect(tcp[1].isAt(try entries(.tcp, to: "b.test")[1]))
        #expect(!tcp[1].isAt(try entries(.udp)[1]))
        #expect(!tcp[1].isAt(tcp[0]))
        let all = try ListenPlan(try Self.client([.tcp(host: "0.0.0.0", port: 8)]), SocketActivation()).entries[0]
        #expect(all.hasPort(of: tcp[0]) && !all.hasPort(of: tcp[1]) && !all.isAt(tcp[0]))
    }

    /// "Another program listens there" was said of the program itself.
    @Test func `places of two settings that overlap are an error that names both`() throws {
        func failure(_ listen: [ListenAddress], _ forwards: [Forward]) throws -> String? {
            let settings = try Self.client(listen, forwards)
            do throws(ListenAddresses.Failure) {
                _ = try ListenPlan(settings, SocketActivation())
                return nil
            } catch {
                return error.description
            }
        }
        let remedy = " already; choose another port for one of them"
        let all = [ListenAddress.tcp(host: "*", port: 7)]
        #expect(
            try failure(all, [Self.forward("db", .tcp, on: 7)])
                == "cannot listen on 127.0.0.1:7 for [forward db]: listen has 0.0.0.0:7" + remedy)
        #expect(
            try failure([], [Self.forward("a", .udp, on: 7), Self.forward("b", .udp, on: 7)])
                == "cannot listen on 127.0.0.1:7 for [forward b]: [forward a] has 127.0.0.1:7" + remedy)
        let path = Forward(
            name: "p", listen: [.unix("/run/a")], target: TargetAddress(host: "db.test", port: 1), transport: .tcp)
        #expect(
            try failure([.unix("/run/a")], [path]) == "cannot listen on unix:/run/a for [forward p]: listen has unix:/run/a"
                + remedy)
        #expect(try failure(all, [Self.forward("a", .udp, on: 7), Self.forward("b", .tcp, on: 8)]) == nil)
        #expect(try failure([.tcp(host: "127.0.0.2", port: 7)], [Self.forward("db", .tcp, on: 7)]) == nil)
    }

    @Test func `what it is in words`() throws {
        let plan = try ListenPlan(try Self.client([], [Self.forward("db", .tcp, on: 1)]), SocketActivation())
        let opened = [
            ListeningPlace(name: "listen", forward: nil, place: "A", isPassed: false),
            ListeningPlace(name: "listen", forward: nil, place: "B", isPassed: false),
            ListeningPlace(name: "forward db", forward: "db", place: "C", isPassed: false),
        ]
        #expect(
            plan.text(of: opened)
                == "client: SOCKS5 and HTTP proxy on A, B, server ws://server.test:80/; forward db: tcp on C to db.test:5432"
        )
    }
}
