import Testing

@testable import WstanConfig

@Suite struct ConfigForwardTests {
    private static func forwards(_ text: String) throws -> [Forward] {
        try ConfigFixture(file: ConfigFixture.minimal + text).run(["--strict", "-i", "f.conf"]).settings.forwards
    }

    private static func complaints(_ text: String) -> [String] {
        ConfigFixture(file: ConfigFixture.minimal + text).complaints()
    }

    @Test func `each section is a forward, in the order of the file`() throws {
        let found = try Self.forwards(
            """
            [forward db]
            listen = 127.0.0.1:5432, unix:/run/db
            listen = [::1]:5432
            target = DB.example.com:5432
            [Forward  DNS-1]
            protocol = UDP
            target = [2001:db8::1]:53
            listen = localhost:53
            """)
        let db = Forward(
            name: "db",
            listen: [.tcp(host: "127.0.0.1", port: 5432), .unix("/run/db"), .tcp(host: "::1", port: 5432)],
            target: TargetAddress(host: "db.example.com", port: 5432), transport: .tcp)
        let dns = Forward(
            name: "DNS-1", listen: [.tcp(host: "localhost", port: 53)],
            target: TargetAddress(host: "2001:db8::1", port: 53), transport: .udp)
        #expect(found == [db, dns])
    }

    @Test func `what is missing is said of the section`() {
        #expect(
            Self.complaints("[forward db]\n[forward web]\nlisten = a:1\n[forward x]\nlisten = a\ntarget = b\n") == [
                "f.conf:3:1: error: [forward db] has no listen: add the line listen = 127.0.0.1:PORT",
                "f.conf:3:1: error: [forward db] has no target: add the line target = HOST:PORT",
                "f.conf:4:1: error: [forward web] has no target: add the line target = HOST:PORT",
                "f.conf:7:10: error: listen: the port is missing: write HOST:PORT, like localhost:1080",
                "f.conf:8:10: error: target: the port is missing: write host:port",
            ])
    }

    @Test(arguments: [
        ("[forward]\nlisten = a:1\n", "write [forward NAME]"), ("[forward a b]\n", "write [forward NAME]"),
        ("[forward \u{E9}]\n", "write [forward NAME]"),
        ("[forward \(String(repeating: "n", count: 65))]\n", "write [forward NAME]"),
        ("[forward a]\nlisten=h:1\ntarget=h:1\n[forward a]\nlisten=h:2\ntarget=h:2\n", "[forward a] is given again"),
        ("[forward a]\nlisten=unix:/a\ntarget=h:1\nprotocol=udp\n", "datagram Unix sockets are not supported"),
        ("[forward a]\nlisten=h:1\ntarget=h:1\nprotocol=sctp\n", "protocol: takes tcp or udp"),
        ("[forward a]\nlisten=h:1\ntarget=h:0\n", "port 0"), ("[forward a]\nlisten=h:1\ntarget=unix:/a\n", "target: "),
        ("[forward a]\nlisten=h:1\ntarget=\n", "has no target"),
    ])
    func `a wrong section is one error`(text: String, part: String) {
        let errors = Self.complaints(text)
        #expect(errors.count == 1, "\(errors)")
        #expect(errors.first?.contains(part) == true, "\(errors)")
    }

    @Test func `an unknown key of a forward is told with the nearest one`() throws {
        let file = ConfigFixture.minimal + "[forward a]\nlisten=h:1\ntarget=h:1\ntargte=h:2\n"
        #expect(
            try ConfigFixture(file: file).run().warnings == [
                "f.conf:6:1: warning: unknown key 'targte' of a forward: it is not in force (did you mean 'target'?)"
            ])
    }

    @Test func `a key given twice in one forward is told, in two it is not`() throws {
        let good = "[forward a]\nlisten=h:1\ntarget=h:1\n[forward b]\nlisten=h:2\ntarget=h:2\n"
        #expect(try Self.forwards(good).map(\.name) == ["a", "b"])
        let (settings, warnings) = try ConfigFixture(file: ConfigFixture.minimal + good + "target=h:3\n").run()
        #expect(settings.forwards.last?.target.port == 3)
        #expect(warnings.count == 1)
    }

    @Test func `there are at most 256`() throws {
        let sections = (0..<256).map { "[forward f\($0)]\nlisten=h:1\ntarget=h:1\n" }.joined()
        #expect(try Self.forwards(sections).count == 256)
        let errors = Self.complaints(sections + "[forward g]\nlisten=h:1\n")
        #expect(errors.count == 1)
        #expect(errors.first?.contains("more than 256 forwards") == true)
    }

    @Test func `the command line's forwards replace the file's`() throws {
        let fixture = ConfigFixture(file: ConfigFixture.minimal + "[forward a]\nlisten=h:1\ntarget=h:1\n")
        let words = [
            "-i", "f.conf", "--forward=127.0.0.1:5432=db:5432", "--forward", "udp:[::1]:53=9.9.9.9:53",
            "--forward=tcp:unix:/run/a=b=[::1]:1",
        ]
        let found = try fixture.run(words).settings.forwards
        #expect(
            found == [
                Forward(
                    name: "1", listen: [.tcp(host: "127.0.0.1", port: 5432)],
                    target: TargetAddress(host: "db", port: 5432), transport: .tcp),
                Forward(
                    name: "2", listen: [.tcp(host: "::1", port: 53)],
                    target: TargetAddress(host: "9.9.9.9", port: 53), transport: .udp),
                Forward(
                    name: "3", listen: [.unix("/run/a=b")], target: TargetAddress(host: "::1", port: 1),
                    transport: .tcp),
            ])
        for value in ["", "a:1", "a:1=", "=b:1", "a=b:1", "a:1=b", "udp:unix:/a=b:1", "sctp:a:1=b:1"] {
            #expect(fixture.failure(["-i", "f.conf", "--forward=\(value)"])?.exitStatus == .usage, "\(value)")
        }
    }

    @Test func `a server's file may hold what is its client's`() throws {
        let text = "mode = server\n[forward a]\nlisten=h:1\ntarget=h:1\n[client]\nallow-uid = anna\n[tls]\nverify=no\n"
        let (settings, warnings) = try ConfigFixture(file: ConfigFixture.minimal + text).run()
        #expect(warnings.isEmpty)
        #expect(settings.mode == .server && settings.forwards.count == 1)
    }
}
