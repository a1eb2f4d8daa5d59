import Testing

@testable import WstanConfig

@Suite struct ConfigStdioTests {
    private static let standard = [ListenAddress.tcp(host: "localhost", port: 1080)]

    private static func via(_ line: String, file: String? = nil) throws -> [ListenAddress] {
        let fixture = file.map { ConfigFixture(file: $0) } ?? ConfigFixture()
        guard case .stdio(let target, let via) = try fixture.parse(argumentWords(line)) else {
            throw ConfigFixture.NotARun()
        }
        #expect(target == TargetAddress(host: "host.example", port: 22))
        return via
    }

    @Test(arguments: [
        "--stdio host.example 22", "host.example --stdio 22", "--stdio -- HOST.example 22",
        "-d --stdio host.example 22",
        "-c --stdio host.example 22 --log-level=error",
    ])
    func `it needs neither URI nor key`(line: String) throws {
        #expect(try Self.via(line) == Self.standard)
    }

    @Test func `where the client listens is said by its own words`() throws {
        let file = "mode = client\nuri = ws://h\nkey-file = k\n[client]\nlisten = a:1\nlisten = unix:/run/s\n"
        #expect(try Self.via("--stdio host.example 22 -p 9") == [.tcp(host: "localhost", port: 9)])
        #expect(try Self.via("--stdio -a ::1 host.example 22") == [.tcp(host: "::1", port: 1080)])
        #expect(try Self.via("--stdio --listen=unix:/s host.example 22") == [.unix("/s")])
        #expect(
            try Self.via("--stdio -i f.conf host.example 22", file: file) == [
                .tcp(host: "a", port: 1), .unix("/run/s"),
            ])
        #expect(try Self.via("--stdio -i f.conf -p 9 host.example 22", file: file) == [.tcp(host: "a", port: 9)])
        // The host and port that a socket in the file system lacks are the usual ones.
        let socket = "[client]\nlisten = unix:/run/s\n"
        #expect(
            try Self.via("--stdio -i f.conf -p 9 host.example 22", file: socket) == [.tcp(host: "localhost", port: 9)])
        #expect(
            try Self.via("--stdio -i f.conf host.example 22", file: "addr = ::1\nport = 5\n") == [
                .tcp(host: "::1", port: 5)
            ])
        #expect(try Self.via("--stdio -i f.conf host.example 22", file: "") == Self.standard)
    }

    @Test func `an IPv6 address needs no brackets`() throws {
        for host in ["::1", "[::1]"] {
            guard case .stdio(let target, _) = try ConfigFixture().parse(["--stdio", host, "22"]) else {
                throw ConfigFixture.NotARun()
            }
            #expect(target == TargetAddress(host: "::1", port: 22))
        }
    }

    @Test(arguments: [
        ("--stdio", "a host and a port"), ("--stdio h", "a host and a port"), ("--stdio h 22 x", "a host and a port"),
        ("--stdio h 0", "PORT"), ("--stdio h x", "PORT"), ("--stdio h 65536", "PORT"), ("--stdio h:1 22", "two words"),
        ("--stdio h/ 22", "a path where an address is expected: write HOST alone"), ("--stdio=h 22", "takes no value"), ("-s --stdio h 22", "remove -s"),
        ("--stdio h 22 --check-config", "exclude"), ("--stdio h 22 --doctor", "exclude"),
        ("--stdio h 22 --key-file=k", "--key-file has no effect"),
        ("--stdio h 22 -p 0", "the kernel chooses"), ("--stdio h 22 --pool-size=1", "--pool-size has no effect"),
        ("--stdio h 22 --listen=a", "the port is missing"), ("--stdio h 22 --forward=a:1=b:1", "no effect"),
    ])
    func `misuse is status 64`(line: String, part: String) throws {
        let failure = try #require(ConfigFixture().failure(argumentWords(line)))
        #expect(failure.exitStatus == .usage)
        #expect(failure.description.contains(part), "\(failure)")
    }

    @Test func `a file that is wrong or missing is status 78`() {
        let words = ["--stdio", "h", "22", "-i", "f.conf"]
        #expect(ConfigFixture().failure(words)?.exitStatus == .configuration)
        #expect(ConfigFixture(file: "[client]\nlisten = a\n").failure(words)?.exitStatus == .configuration)
    }
}
