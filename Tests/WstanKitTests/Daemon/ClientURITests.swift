import Testing
import WstanBase
import WstanConfig
import WstanCore

@testable import WstanKit

/// Where clients are sent by what wstanctl prints.
@Suite struct ClientURITests {
    private static func found(
        _ uri: String, port: UInt16? = nil, on listener: UInt32 = 0, names: [String] = [], own: String? = "192.0.2.7",
        _ change: (inout Settings) -> Void = { _ in }
    ) throws -> String {
        var settings = Settings(mode: .server, uri: try ServerURI(uri), key: .file("k"))
        change(&settings)
        let listening = [SocketAddress.ipv4(IPv4Address(listener), port: port ?? settings.uri.port)]
        let client = ClientURI(settings, listening: listening, certificateNames: names, ownAddress: own)
        return client.uri.shortText + (client.isLoopbackOnly ? " loopback" : client.isGuess ? " ?" : "")
    }

    @Test func `all addresses are no address, so this host's own is guessed`() throws {
        #expect(try Self.found("ws://0.0.0.0:8080/") == "ws://192.0.2.7:8080/ ?")
        #expect(try Self.found("ws://[::]:8080/x") == "ws://192.0.2.7:8080/x/ ?")
        #expect(try Self.found("ws://127.0.0.1:8080/") == "ws://192.0.2.7:8080/ ?")
        #expect(try Self.found("ws://localhost/") == "ws://192.0.2.7/ ?")
        #expect(try Self.found("ws://0.0.0.0:8080/", own: "2001:db8::1") == "ws://[2001:db8::1]:8080/ ?")
        #expect(try Self.found("ws://0.0.0.0:8080/", own: nil) == "ws://HOST:8080/ ?")
        #expect(try Self.found("ws://*:8080/a/?b=c") == "ws://192.0.2.7:8080/a/?b=c ?")
        #expect(try Self.found("ws://198.51.100.1:9/") == "ws://198.51.100.1:9/")
    }

    @Test func `where only this host can connect, clients go to what forwards to it`() throws {
        let loopback: UInt32 = 0x7f00_0001
        #expect(try Self.found("ws://127.0.0.1:8080/x", on: loopback) == "ws://HOST/x/ loopback")
        #expect(try Self.found("ws://localhost:8080/", on: loopback) == "ws://HOST/ loopback")
        #expect(try Self.found("ws://0.0.0.0:8080/", on: loopback) == "ws://HOST/ loopback")
        #expect(
            try Self.found("wss://127.0.0.1:8443/", on: loopback, names: ["a.test"]) == "wss://a.test/ loopback")
        #expect(try Self.found("ws://a.test/", on: loopback) == "ws://a.test/")
        #expect(
            try Self.found("ws://127.0.0.1:8080/", on: loopback) { $0.publicURI = ServerURI(text: "wss://a.test/") }
                == "wss://a.test/")
    }

    @Test func `what is set is taken as it is`() throws {
        let uri = try ServerURI("wss://a.test/chat")
        #expect(try Self.found("ws://127.0.0.1:8080/", port: 9) { $0.publicURI = uri } == "wss://a.test/chat/")
    }

    @Test func `the certificate is to be for the name by which clients know the server`() throws {
        func name(_ uri: String, public publicURI: String? = nil) throws -> String? {
            var settings = Settings(mode: .server, uri: try ServerURI(uri), key: .file("k"))
            settings.publicURI = try publicURI.map { text throws in try ServerURI(text) }
            return ShownCertificate.name(by: settings)
        }
        #expect(try name("wss://a.test/") == "a.test")
        #expect(try name("wss://inner.test/", public: "wss://a.test/") == "a.test")
        #expect(try name("wss://0.0.0.0/", public: "wss://a.test/") == "a.test")
        #expect(try name("wss://a.test/", public: "wss://192.0.2.1/") == nil)
        for uri in ["wss://0.0.0.0/", "wss://*/", "wss://[::]/", "wss://localhost:8443/", "wss://127.0.0.1/", "wss://[::1]/"] {
            #expect(try name(uri) == nil, "\(uri)")
        }
    }

    @Test func `the port is the one that is listened on`() throws {
        #expect(try Self.found("ws://0.0.0.0:8080/", port: 443) == "ws://192.0.2.7:443/ ?")
        #expect(try Self.found("ws://0.0.0.0:8080/", port: 80) == "ws://192.0.2.7/ ?")
        // Behind a front the URI says how clients come to it.
        #expect(
            try Self.found("wss://a.test/chat/", port: 8080) { $0.listen = [.tcp(host: "127.0.0.1", port: 8080)] }
                == "wss://a.test/chat/")
        #expect(try Self.found("ws://a.test:81/") { $0.listen = [.unix("/run/x")] } == "ws://a.test:81/")
    }

    @Test func `TLS of this server has the certificate's name, and that of a front its port`() throws {
        #expect(
            try Self.found("wss://0.0.0.0:8443/", port: 8443, names: ["*.a.test", "b.test"]) == "wss://b.test:8443/")
        #expect(try Self.found("wss://0.0.0.0:443/", port: 443, names: ["*.a.test"]) == "wss://192.0.2.7/ ?")
        #expect(
            try Self.found("wss://0.0.0.0:443/", port: 443, names: ["localhost", "127.0.0.1", "b.test"])
                == "wss://b.test/")
        #expect(try Self.found("wss://c.test:8443/", port: 8443, names: ["b.test"]) == "wss://c.test:8443/")
        #expect(try Self.found("wss://127.0.0.1:8080/t/", port: 8080) == "wss://192.0.2.7/t/ ?")
        #expect(try Self.found("ws://0.0.0.0:8080/", port: 8080, names: ["b.test"]) == "ws://192.0.2.7:8080/ ?")
    }
}
