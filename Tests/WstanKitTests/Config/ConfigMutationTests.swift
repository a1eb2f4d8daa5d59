import Testing

@testable import WstanConfig

@Suite struct ConfigMutationTests {
    /// Deterministic: a failure comes back in every run.
    struct Lehmer: RandomNumberGenerator {
        private var state: UInt64

        init(seed: UInt64) {
            state = seed | 1
        }

        mutating func next() -> UInt64 {
            state = state &* 0xDA94_2042_E4DD_58B5
            return (state >> 32) | (state << 32)
        }
    }

    static let fragments: [[UInt8]] =
        [
            "=", ":", "#", ";", "[", "]", "\n", "\r\n", "\r", " ", "\t", "\u{FEFF}", "\u{301}", "\u{0}", "é", "%%",
            "://",
            "::", "[::1]", ",", "@", "?", "-", "--", "-s", "9223372036854775807", "99999999999999999999", "ms", "h",
            "K",
            "auto", "none", "yes", "ws://", "[client]", "[server]", "[tls]", "[forward x]", "unix:", "unix:/s",
            "private", "*.", "/8", ":25", "8000-8999", "sha256/", "socks5://", "%40", "udp", "\ntarget = t:1",
            "\nprotocol = udp", "--stdio", "--forward=", "env:", "credential:",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xFF, 0xFE]]
        + SettingKey.all.map { Array("\n\($0.name) = \($0.initial)".utf8) }

    static func mutate(_ bytes: [UInt8], _ random: inout Lehmer) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let start = Int.random(in: 0...result.count, using: &random)
            let end = min(result.count, start + Int.random(in: 0...8, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: result.removeSubrange(start..<end)
            case 1: result.insert(contentsOf: fragments.randomElement(using: &random) ?? [], at: start)
            case 2: result.insert(UInt8.random(in: 0...255, using: &random), at: start)
            case 3: result.insert(contentsOf: result[start..<end], at: Int.random(in: 0...result.count, using: &random))
            default: result.replaceSubrange(start..<end, with: fragments.randomElement(using: &random) ?? [])
            }
        }
        return result
    }

    /// Each failure has at least one error, each success has none.
    static func check(_ fixture: ConfigFixture, _ arguments: [String]) -> Bool {
        do throws(ConfigurationFailure) {
            switch try fixture.parse(arguments) {
            case .run(let settings, let warnings), .doctor(let settings, let warnings):
                let path = settings.uri.path
                return warnings.allSatisfy { $0.severity == .warning } && !settings.listen.isEmpty
                    && settings.forwards.allSatisfy { !$0.listen.isEmpty && $0.target.port != 0 }
                    && settings.tls.pins.allSatisfy { $0.count == 32 }
                    && (0...4096).contains(settings.earlyData) && path.hasPrefix("/") && path.hasSuffix("/")
                    && settings.uri.path.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            case .checkConfig(let settings, _, _): return !settings.listen.isEmpty
            case .stdio(let target, let via): return target.port != 0 && !via.isEmpty
            case .printConfig(let text, let warnings):
                return !text.isEmpty && warnings.allSatisfy { $0.severity == .warning }
            case .help, .version, .generateKey, .clientKey: return true
            }
        } catch {
            return error.help != nil || error.diagnostics.contains { $0.severity == .error }
        }
    }

    @Test func `mutated files end in settings or in an error`() {
        let seedText = """
            mode = client\nuri = ws://example.com:8080/path\nkey = q83vEjRWeJCrze8SNFZ4kA==\ndrain-timeout = 5s
            memory-limit = 64M\n[client]\nlisten = localhost:1080\nlisten = [::1]:1\nproxy = http://p:3128
            [pool]\nsize = 3\n[server]\nlisten = 0.0.0.0:80\nplain-answer = 404\ndeny = 10.0.0.0/8, [2001:db8::/32]:443, *.a.example:1-9
            [tls]\nsni = a\npin-sha256 = 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n[client]\nheader = A: b
            allow-uid = 1000, anna\ndirect = private\nproxy = socks5://u:p%40@[::1]
            [forward db]\nlisten = [::1]:1, unix:/run/db\ntarget = db:5432\nprotocol = tcp
            """
        var random = Lehmer(seed: 2)
        for round in 0..<4_000 {
            var bytes = Array(seedText.utf8)
            for _ in 0...(round % 4) { bytes = Self.mutate(bytes, &random) }
            let arguments = round.isMultiple(of: 3) ? ["-i", "f.conf", "--strict"] : ["-i", "f.conf", "-p", "5"]
            #expect(Self.check(ConfigFixture(bytes: bytes), arguments), "\(bytes)")
        }
    }

    @Test func `what is printed of mutated files says the same again`() throws {
        let seed = Array(ConfigPrintTests.rich.replacing("MODE", with: "client").utf8)
        var random = Lehmer(seed: 4)
        var count = 0
        for _ in 0..<1_500 {
            let bytes = Self.mutate(seed, &random)
            guard
                case .printConfig(let text, _)? = try? ConfigFixture(bytes: bytes).parse(["--print-config", "-if.conf"])
            else {
                continue
            }
            count += 1
            guard
                case .printConfig(let again, _)? = try? ConfigFixture(file: text).parse([
                    "--print-config", "--strict", "-if.conf",
                ])
            else {
                Issue.record("\(text)")
                continue
            }
            #expect(again.values == text.values)
        }
        #expect(count > 100)
    }

    @Test func `mutated command lines end in settings or in an error`() {
        let seeds = [
            "-s ws://h:8080/x KEY -d --pool-size=3", "ws://[::1]:1/ KEY -zdp1081 --listen a:1,b:2 --proxy http://p:1",
            "--ini f.conf --drain-timeout 5min --mode=server -t 0.0.0.0,:: -r 99",
            "-c --key-file env:K ws://h --threads 4", "--stdio -p 1081 -i f.conf h 22",
            "ws://h K --forward=udp:[::1]:53=9.9.9.9:53 --deny=*:25 --tls-sni=a --header=A:b -y socks5h://u@p",
        ]
        let fixture = ConfigFixture(file: ConfigFixture.minimal)
        var random = Lehmer(seed: 3)
        for round in 0..<4_000 {
            let bytes = Self.mutate(Array(seeds[round % seeds.count].utf8), &random)
            var arguments = argumentWords(String(decoding: bytes, as: UTF8.self))
            if round.isMultiple(of: 2) { arguments.shuffle(using: &random) }
            #expect(Self.check(fixture, arguments), "\(arguments)")
        }
    }

    @Test func `every cut of the shipped values ends in a value or an error`() {
        for text in [
            "ws://[fe80::1%eth0]:8080/a/b", "http://[::1]:3128/", "[::1]:1080,a:1", "9223372036854775807ms",
            "socks5h://us%40er:pass%25@[::1]:1080/", "unix:/run/a,unix:/run/b", "Name: value of it",
            "[2001:db8::/32]:8000-8999, *.example.com:443", "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "udp:127.0.0.1:53=dns.example.com:53", "4294967294,anna",
        ] {
            for length in 0...text.utf8.count {
                let cut = String(decoding: Array(text.utf8.prefix(length)), as: UTF8.self)
                _ = try? ServerURI(cut)
                _ = try? ProxyAddress.read(cut)
                _ = try? ListenAddress.list(cut)
                _ = try? HostPort.host(cut)
                _ = try? TargetAddress(cut)
                _ = try? Forward(cut, name: "f")
                _ = try? Forward.name(inHeading: cut)
                var settings = Settings.standard(.client)
                for key in SettingKey.all {
                    if case .value(let read) = key.kind.reading { try? read(cut, &settings) }
                }
            }
        }
    }
}
