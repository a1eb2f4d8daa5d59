import Testing

@testable import wstanctl

/// What init server says when a server's files are written.
@Suite struct ServerTextTests {
    private static func text(
        _ uri: String, isGuess: Bool = false, key: ServerKey = .key("KEY=="), name: String? = nil,
        outlook: UnitOutlook = .isStopped,
        isLoopback: Bool = false, needsTLS: Bool = false
    ) throws -> String {
        let host = HostObservation(texts: [:])
        let address = isGuess ? nil : TunnelURI(uri).flatMap { PublicAddress($0.host) }
        let goal = try ServerGoal(ServerWish(uri: TunnelURI(uri), address: address), on: host)
        return ServerText(
            uri: ClientURI(goal, on: host, ownAddress: isGuess ? "198.51.100.7" : nil), key: key, name: name,
            outlook: outlook, isLoopback: isLoopback, needsTLS: needsTLS
        ).text
    }

    @Test func `the key has a line of its own, and is in no command`() throws {
        #expect(
            try Self.text("ws://0.0.0.0:8080/", isGuess: true) == """
                Start wstand now and at every boot:

                    sudo systemctl enable --now wstand

                On a new client, run this; it asks for the key:

                    sudo wstanctl init client client --uri ws://198.51.100.7:8080/

                Or, with the Python wstan and the key in place of KEY:

                    wstan ws://198.51.100.7:8080/ KEY

                Key:

                    KEY==

                198.51.100.7 is this host's own address. If clients use another one, set it:

                    sudo wstanctl init server --address NAME
                """)
        #expect(
            try Self.text("ws://a.test:8080/", name: "laptop", outlook: .isRunning(atBoot: true)) == """
                wstand is running with this configuration.

                On a new client, run this; it asks for the key:

                    sudo wstanctl init client laptop --uri ws://a.test:8080/

                Or, with the Python wstan and the key in place of KEY:

                    wstan ws://a.test:8080/ KEY

                Key:

                    KEY==
                """)
    }

    @Test func `what would not work is said`() throws {
        #expect(
            try Self.text("wss://a.test/t", isLoopback: true, needsTLS: true).hasSuffix(
                """
                wstand listens on this host only. A web server in front of it has to forward /t to it.

                wss:// needs TLS: by a web server in front of wstand, or by [tls] certificate in wstan.conf(5).
                """))
        #expect(
            try Self.text("ws://a.test/", key: .unknown, name: "laptop").hasSuffix(
                """
                The current keys are kept by wstand, which is not running. Once it is, this prints what a client needs:

                    sudo wstanctl -i wstand client-config --key laptop
                """))
        #expect(ClientLine.guess("HOST") == "Replace HOST with the name or address by which clients reach this host.")
    }
}
