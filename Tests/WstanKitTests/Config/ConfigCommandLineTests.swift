import Testing

@testable import WstanBase
@testable import WstanConfig

@Suite struct ConfigCommandLineTests {
    @Test(arguments: [
        "-s ws://h:8080/x KEY", "ws://h:8080/x KEY -s", "ws://h:8080/x -s KEY", "--server ws://h:8080/x KEY",
        "--serv ws://h:8080/x KEY", "-s -- ws://h:8080/x KEY", "--mode=server ws://h:8080/x KEY",
        "--mode server --uri ws://h:8080/x --key=KEY",
    ])
    func `a server may be asked for in any order`(line: String) throws {
        let settings = try configured(line)
        #expect(settings.mode == .server)
        #expect(settings.uri.description == "ws://h:8080/x/")
        #expect(settings.key == .text(Secret("KEY")))
        #expect(settings.listen == [ListenAddress.tcp(host: "h", port: 8080)])
        #expect(settings.drainTimeout == .seconds(1))
    }

    @Test func `without a mode it is a client on localhost`() throws {
        let settings = try configured("ws://h KEY")
        #expect(settings == Settings(mode: .client, uri: settings.uri, key: .text(Secret("KEY"))))
        #expect(settings.listen == [ListenAddress.tcp(host: "localhost", port: 1080)])
        #expect(settings.uri.port == 80)
        #expect(settings.drainTimeout == .zero)
    }

    @Test(arguments: ["-zdp1081", "-z -d -p 1081", "-zdp=1081", "--compat --deb --port=1081", "-dzp 1081 --"])
    func `short options may be joined and long ones cut short`(options: String) throws {
        let settings = try configured("ws://h KEY " + options)
        #expect(settings.compatible)
        #expect(settings.logLevel == .debug)
        #expect(settings.listen == [ListenAddress.tcp(host: "localhost", port: 1081)])
    }

    @Test func `every option of the Python wstan has its effect`() throws {
        let client = try configured(
            "-c -d -z -y proxy:3128 -a 127.0.0.1 -p 1 --pool-size 2 --pool-max-idle 3 ws://h KEY")
        #expect(client.proxy == .through(ProxyAddress(host: "proxy", port: 3128)))
        #expect(client.listen == [ListenAddress.tcp(host: "127.0.0.1", port: 1)])
        #expect(client.poolSize == 2)
        #expect(client.poolMaxIdle == .seconds(3))
        let server = try configured("-s -t 0.0.0.0,:: -r 99 --x-forward wss://h/p KEY")
        #expect(
            server.listen == [ListenAddress.tcp(host: "0.0.0.0", port: 99), ListenAddress.tcp(host: "::", port: 99)])
        #expect(server.xForward)
        #expect(server.uri.scheme == .wss)
        #expect(server.uri.port == 443)
    }

    /// `--co` was `--compatible` before `--config` and `--connect-timeout` existed.
    @Test func `a prefix that Python took keeps its meaning`() throws {
        #expect(try configured("--co ws://h KEY").compatible)
        #expect(try configured("--x ws://h KEY -s").xForward)
        let complaint = try #require(ConfigFixture().complaints(argumentWords("--po 3 ws://h KEY")).first)
        #expect(complaint.contains("--port"))
        #expect(complaint.contains("--pool-size"))
    }

    @Test func `a flag of Python takes a value only after the equals sign`() throws {
        #expect(try configured("ws://h --x-forward no").key == .text(Secret("no")))
        #expect(try configured("ws://h KEY --x-forward=no").xForward == false)
        #expect(try configured("ws://h KEY --replay-under-tls no").replayUnderTLS == false)
    }

    @Test func `the doctor goes by the configuration of a run`() throws {
        let words = argumentWords("--doctor ws://h KEY -p 9")
        guard case .run(let settings, let warnings) = try ConfigFixture().parse(argumentWords("ws://h KEY -p 9")) else {
            throw ConfigFixture.NotARun()
        }
        #expect(try ConfigFixture().parse(words) == .doctor(settings, warnings: warnings))
        #expect(throws: ConfigurationFailure.self) { try ConfigFixture().parse(argumentWords("--doctor ws://h")) }
    }

    @Test func `every key of the table has a twin`() throws {
        let values = [
            "mode": "server", "uri": "ws://h:1/", "key": "k", "key-file": "f", "listen": "h:1", "users-file": "f",
            "allow-uid": "1", "direct": "private", "connect-to": "h:1", "host-header": "h", "header": "a:b",
            "public-uri": "ws://h:1/", "allow": "*", "deny": ":25", "certificate": "f", "client-ca": "f", "ca-file": "f", "sni": "h",
            "pin-sha256": String(repeating: "0", count: 64),
        ]
        for key in SettingKey.all {
            let value = values[key.name] ?? key.initial
            #expect(!value.isEmpty, "\(key.identifier)")
            let base = key.name == "uri" ? ["--key-file=k"] : ["--uri=ws://h:1/"]
            var secret = ["uri", "key", "key-file"].contains(key.identifier) ? [] : ["--key-file=k"]
            // One is nothing without the other.
            if key.identifier == "tls.certificate" { secret.append("--tls-key=f") }
            if key.identifier == "tls.key" { secret.append("--tls-certificate=f") }
            let joined = try ConfigFixture().run(base + secret + ["--\(key.option)=\(value)"]).settings
            guard key.isPythonOption, key.kind.isFlag else {
                let apart = try ConfigFixture().run(base + secret + ["--\(key.option)", value]).settings
                #expect(joined == apart)
                continue
            }
        }
    }

    @Test func `help, version and a new key need nothing else`() throws {
        #expect(try ConfigFixture().parse(["-g"]) == .generateKey(isV2: false))
        #expect(try ConfigFixture().parse(["--gen-key", "-i", "missing"]) == .generateKey(isV2: false))
        #expect(try ConfigFixture().parse(["-g", "--v2"]) == .generateKey(isV2: true))
        #expect(try ConfigFixture().parse(["--client-key"]) == .clientKey)
        #expect(throws: ConfigurationFailure.self) { try ConfigFixture().parse(["--v2", "ws://h/", "k"]) }
        #expect(try ConfigFixture().parse(["--version"]) == .version)
        guard case .help(let text) = try ConfigFixture().parse(["-x", "-h"]) else {
            Issue.record("no help")
            return
        }
        for option in CommandLineOption.all { #expect(text.contains("--\(option.name)")) }
        #expect(text.contains("Options override the file"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test func `without a word it says what is missing, in a few lines, with status 64`() throws {
        let failure = try #require(ConfigFixture().failure([]))
        #expect(failure.exitStatus.rawValue == 64)
        let lines = failure.description.split(separator: "\n")
        #expect(lines.count <= 6 && lines.allSatisfy { $0.count <= 100 })
        #expect(failure.description.contains("--config /etc/wstan.conf") && failure.description.contains("--help"))
    }

    @Test func `a command that only looks is about the user's own file, or that of the system`() throws {
        var fixture = ConfigFixture()
        fixture.variables = ["HOME": "/home/a"]
        func path(_ words: [String]) throws -> String? {
            guard case .checkConfig(_, let origins, _) = try fixture.parse(words) else { return nil }
            return origins.place(of: "uri")?.path
        }
        let complaint = "/etc/wstan.conf: error: cannot be read"
        #expect(fixture.complaints(["--check-config"]).first?.hasPrefix(complaint) == true)
        fixture.files["/etc/wstan.conf"] = Array(ConfigFixture.minimal.utf8)
        #expect(try path(["--check-config"]) == "/etc/wstan.conf")
        #expect(try path(["--check-config", "--strict", "-d"]) == "/etc/wstan.conf")
        fixture.files["/home/a/.config/wstan.conf"] = Array(ConfigFixture.minimal.utf8)
        #expect(try path(["--check-config"]) == "/home/a/.config/wstan.conf")
        fixture.files["/x/wstan.conf"] = Array(ConfigFixture.minimal.utf8)
        fixture.variables["XDG_CONFIG_HOME"] = "/x"
        #expect(try path(["--check-config"]) == "/x/wstan.conf")
        guard case .printConfig = try fixture.parse(["--print-config"]), case .doctor = try fixture.parse(["--doctor"])
        else { throw ConfigFixture.NotARun() }
        // What the command line itself says stands alone, and a start needs a file to be named.
        #expect(fixture.complaints(["--check-config", "ws://h"]).first?.contains("no key") == true)
        #expect(fixture.complaints(["--check-config", "--key=k"]).first?.contains("no URI") == true)
        #expect(fixture.complaints(["-d"]).first?.contains("no URI and no key") == true)
    }

    @Test func `a tilde in a path is the user's own directory`() throws {
        var fixture = ConfigFixture(file: "uri = ws://h/\nkey-file = ~/key\n[client]\nusers-file = ~/a b\n")
        #expect(fixture.complaints().first?.contains("HOME is not set") == true)
        fixture.variables["HOME"] = "/home/a"
        let settings = try fixture.run().settings
        #expect(settings.key == .file("/home/a/key") && settings.usersFile == "/home/a/a b")
        let words = ["ws://h", "--key-file=~/k", "--state-directory=~/s", "--tls-ca-file=~b", "--control-socket=none"]
        let other = try fixture.run(words).settings
        #expect(other.key == .file("/home/a/k") && other.stateDirectory == "/home/a/s" && other.tls.caFile == "~b")
        #expect(try fixture.run(["ws://h", "~/k"]).settings.key == .text(Secret("~/k")))
    }

    @Test func `a client of every address is warned`() throws {
        for host in ["*", "[::]", "0.0.0.0"] {
            #expect(try ConfigFixture().run(["ws://\(host):1/", "--key-file=k"]).warnings.count == 1)
            let server = try ConfigFixture().run(["-s", "ws://\(host):1/", "--key-file=k"])
            #expect(server.warnings.isEmpty)
            #expect(server.settings.listen == [.tcp(host: host == "0.0.0.0" ? host : "::", port: 1)])
        }
        #expect(try configured("-a * -p 3 ws://h K").listen == [.tcp(host: "::", port: 3)])
    }

    @Test func `a key on the command line is taken with a warning`() throws {
        let (_, warnings) = try ConfigFixture().run(["ws://h", "KEY"])
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("--key-file") == true)
        #expect(try ConfigFixture().run(["ws://h", "--key-file", "env:K"]).warnings.isEmpty)
    }

    @Test(arguments: [
        ("-c -s ws://h K", "exclude each other"), ("-c --mode=server ws://h K", "contradicts the mode"),
        ("ws://h", "no key"), ("-d", "no URI"), ("ws://h K more words", "quote a key"),
        ("ws://h K -p", "needs a value"),
        ("ws://h K -p -d", "needs a value"), ("ws://h K -p 65536", "-p: takes a port"), ("ws://h K -p -5", "-p: takes"),
        ("ws://h K --poolsize 3", "did you mean '--pool-size'"), ("ws://h K --pool-size=x", "from 0 to 10000"),
        ("ws://h K -q", "unknown short option"), ("ws://h K --debug=yes", "takes no value"),
        ("ws://h K --early-data=5000", "from 0 to 4096"), ("ws://h K --log-format=x", "json or journal"),
        ("ws://h K --control-socket=run/x", "begins at the root"), ("ws://h K --control-group=a,b", "one group"),
        ("ws://h K --check-config --print-config", "exclude each other"),
        ("ws://h#x K", "remove '#'"), ("h:80 K", "ws://host:port"), ("http://h K", "neither ws:// nor wss://"),
        ("ws://h:0 K", "port 0"), ("ws://h K --uri=ws://i:0", "port 0"), ("ws://h K -s --uri ws://i", "has one URI"),
        ("ws://h K --proxy=", "value is empty"),
        ("ws://h K --key-file=f", "keep one"), ("ws://h K --listen=h:1 -p 3", "keep listen"),
    ])
    func `misuse is one clear line and status 64`(line: String, part: String) throws {
        let failure = try #require(ConfigFixture().failure(argumentWords(line)))
        #expect(failure.exitStatus == .usage)
        let errors = failure.diagnostics.filter { $0.severity == .error }.map(\.description)
        #expect(errors.contains { $0.contains(part) }, "\(errors)")
        #expect(errors.allSatisfy { !$0.contains("\n") && $0.hasPrefix("wstand: error: ") })
        #expect(errors.count == 1, "\(errors)")
    }

    @Test func `no complaint quotes what may be a secret`() {
        let secrets = [
            ["Tr0ub4dor", "ws://h"], ["ws://h", "a", "Tr0ub4dor"], ["-Tr0ub4dor"], ["--Tr0ub4dor=x"],
            ["ws://u:Tr0ub4dor@h/", "k"], ["ws://h", "--key-file=f", "-y", "http://u:Tr0ub4dor@h:x"],
        ]
        for arguments in secrets {
            let failure = ConfigFixture().failure(arguments)
            #expect(failure != nil)
            #expect(failure?.description.contains("Tr0ub4dor") == false)
        }
    }

    @Test func `a passphrase may begin with a dash where argparse takes it`() throws {
        #expect(try ConfigFixture().run(["ws://h", "-my pass"]).settings.key == .text(Secret("-my pass")))
        #expect(try ConfigFixture().run(["ws://h", "-5"]).settings.key == .text(Secret("-5")))
        #expect(try ConfigFixture().run(["ws://h", "--", "-s"]).settings.key == .text(Secret("-s")))
        #expect(try ConfigFixture().run(["ws://h", "-"]).settings.key == .text(Secret("-")))
    }

    @Test func `the command line wins over the file`() throws {
        let fixture = ConfigFixture(
            file: "mode = server\nuri = ws://f:1/\nkey = f\n[pool]\nsize = 3\n[client]\nlisten = a:1\nlisten = b:2\n")
        let (settings, _) = try fixture.run(
            argumentWords("-c --config f.conf ws://c:2/ --key-file=c --pool-size=4 -p 9"))
        #expect(settings.mode == .client)
        #expect(settings.uri.host == "c")
        #expect(settings.key == .file("c"))
        #expect(settings.poolSize == 4)
        #expect(settings.listen == [ListenAddress.tcp(host: "a", port: 9), ListenAddress.tcp(host: "b", port: 9)])
        let replaced = try fixture.run(argumentWords("-c -i f.conf --listen=x:1,[::1]:2")).settings
        #expect(replaced.listen == [ListenAddress.tcp(host: "x", port: 1), ListenAddress.tcp(host: "::1", port: 2)])
    }

    @Test func `a check goes on after an error, as far as it can`() throws {
        let fixture = ConfigFixture(file: ConfigFixture.minimal + "threads = x\n")
        guard case .checkConfig(_, _, let found) = try fixture.parse(["--check-config", "-if.conf", "--port=x"]) else {
            Issue.record("no check")
            return
        }
        #expect(found.map(\.severity) == [.error, .error])
        #expect(ConfigurationFailure(of: found)?.exitStatus == .usage)
        #expect(ConfigurationFailure(of: found.filter { $0.place != .commandLine })?.exitStatus == .configuration)
        #expect(
            ConfigFixture(file: "uri = ws://h/\n").failure(["--check-config", "-if.conf"])?.exitStatus == .configuration
        )
    }

    @Test func `a check gives the settings without running`() throws {
        let fixture = ConfigFixture(file: ConfigFixture.minimal)
        guard case .checkConfig(let settings, _, let warnings) = try fixture.parse(["--check-config", "-if.conf"])
        else {
            Issue.record("no check")
            return
        }
        #expect(settings.uri.host == "h")
        #expect(warnings.isEmpty)
    }
}
