import Testing

@testable import WstanBase
@testable import WstanConfig

/// The keys of `[tls]`, and what keys ask of each other.
@Suite struct ConfigTLSTests {
    private static let digest = [UInt8](repeating: 0xAB, count: 32)

    private static func complaints(_ uri: String, _ rest: String) -> [String] {
        ConfigFixture(file: "uri = \(uri)\nkey = k\n" + rest).complaints()
    }

    @Test func `every key of the section is taken, by file and by command line`() throws {
        let file = """
            uri = wss://h\nkey = k\n[tls]\ncertificate = c.pem\nkey = k.pem\nclient-ca = a.pem\nca-file = b.pem
            pin-sha256 = \(Base64.encode(Self.digest))\nsni = Front.example\nverify = no
            """
        var expected = TLSSettings()
        expected.certificate = "c.pem"
        expected.key = "k.pem"
        expected.clientCA = "a.pem"
        expected.caFile = "b.pem"
        expected.pins = [Self.digest]
        expected.sni = "front.example"
        expected.verify = false
        #expect(try ConfigFixture(file: file).run().settings.tls == expected)
        #expect(try ConfigFixture(file: file).run().settings.key == .text(Secret("k")))
        let pin = "sha256/" + Base64.encode(Self.digest)
        let words = [
            "wss://h", "k", "--tls-certificate=c.pem", "--tls-key=k.pem", "--tls-client-ca=a.pem",
            "--tls-ca-file=b.pem", "--tls-pin-sha256=\(pin)", "--tls-sni=front.example", "--tls-verify=no",
        ]
        #expect(try ConfigFixture().run(words).settings.tls == expected)
    }

    @Test func `a digest is base64 or hexadecimal, of 32 bytes`() throws {
        let hex = String(repeating: "aB", count: 32)
        let base64 = Base64.encode(Self.digest)
        for text in [hex, base64, "sha256/" + base64, "sha256/" + hex] {
            #expect(try TLSSettings.pins(text) == [Self.digest])
        }
        #expect(try TLSSettings.pins("\(hex), \(base64)").count == 2)
        let file =
            ConfigFixture.minimal
            + "[tls]\npin-sha256 = \(hex)\npin-sha256 = \(base64), \(Base64.encode([UInt8](0..<32)))\n"
        #expect(try ConfigFixture(file: file).run().settings.tls.pins == [Self.digest, [UInt8](0..<32)])
        for text in [
            "", ",", "ab", String(hex.dropLast()), hex + "a", String(hex.dropLast()) + "g", String(base64.dropLast()),
            "sha1/" + base64, Base64.encode([UInt8](repeating: 1, count: 31)), base64 + base64, "sha256/",
        ] {
            #expect(throws: ValueProblem.self) { try TLSSettings.pins(text) }
        }
    }

    @Test(arguments: ["::1", "[::1]", "127.0.0.1", "a b", "h:1", ""])
    func `a name to ask for is no address`(text: String) {
        #expect(throws: ValueProblem.self) { try TLSSettings.serverName(text) }
    }

    @Test func `a server speaks TLS by certificate, key and wss, and all three are needed`() throws {
        let server = "mode = server\n[tls]\n"
        for (uri, rest, line, part) in [
            ("wss://h", "certificate = c\n", 5, "certificate needs its private key"),
            ("wss://h", "key = c\n", 5, "key in [tls] needs its certificate"),
            ("wss://h", "client-ca = c\n", 5, "client-ca is checked where TLS ends"),
            ("ws://h", "key = k\ncertificate = c\n", 6, "write wss:// in uri"),
        ] {
            let errors = Self.complaints(uri, server + rest)
            #expect(errors.count == 1)
            #expect(errors.first?.hasPrefix("f.conf:\(line):") == true, "\(errors)")
            #expect(errors.first?.contains(part) == true, "\(errors)")
        }
        let good = "uri = wss://h\nkey = k\n" + server + "certificate = c\nkey = k\nclient-ca = a\n"
        #expect(try ConfigFixture(file: good).run().warnings.isEmpty)
        // Behind a front that ends TLS.
        #expect(try ConfigFixture(file: "uri = wss://h\nkey = k\n" + server).run().warnings.isEmpty)
        let onCommandLine = ConfigFixture().failure(argumentWords("-s ws://h K --tls-certificate=c --tls-key=k"))
        #expect(onCommandLine?.exitStatus == .usage)
    }

    @Test func `what weakens or does nothing is a warning of a client`() throws {
        func warnings(_ uri: String, _ rest: String) throws -> [String] {
            try ConfigFixture(file: "uri = \(uri)\nkey = k\n" + rest).run().warnings
        }
        let pin = "[tls]\npin-sha256 = \(Base64.encode(Self.digest))\n"
        #expect(
            try warnings("wss://h", "[tls]\nverify = no\n").first?.hasPrefix("f.conf:4:10: warning: verify = no")
                == true)
        #expect(try warnings("ws://h", pin).first?.contains("pin-sha256 has no effect") == true)
        #expect(try warnings("ws://h\nuri = wss://i", pin).isEmpty)
        #expect(try warnings("wss://h", pin).isEmpty)
        #expect(try warnings("ws://h", "[pool]\nsize = 2\nmin = 3\n").first?.contains("min is above size") == true)
        #expect(try warnings("ws://h", "[pool]\nsize = 0\n").isEmpty)
        #expect(try warnings("ws://h", "[pool]\nsize = 0\nmin = 0\n").isEmpty)
    }

    @Test func `compatible mode has the Cookie field for itself`() throws {
        let header = "[client]\nheader = Cookie: a=b\n"
        #expect(try ConfigFixture(file: ConfigFixture.minimal + header).run().settings.headers.count == 1)
        let errors = ConfigFixture(file: ConfigFixture.minimal + "compatible = yes\n" + header).complaints()
        #expect(errors == ["f.conf:5:10: error: compatible mode makes the Cookie field itself: remove it from header"])
    }
}
