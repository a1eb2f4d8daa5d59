import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

@Suite struct SocketActivationTests {
    private static let address = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 4711)
    private static let stream = PassedSocket.Kind.listener(.network(address))
    private static let unix = PassedSocket.Kind.listener(.unix("/run/wstand/control"))
    private static let datagrams = PassedSocket.Kind.datagrams(.network(address))
    private static let forwards = [forward("db", .tcp), forward("dns", .udp)]

    private static func forward(_ name: String, _ transport: Forward.Transport) -> Forward {
        Forward(
            name: name, listen: [.tcp(host: "127.0.0.1", port: 1)], target: TargetAddress(host: "h", port: 2),
            transport: transport)
    }

    private static func activation(
        _ sockets: [(String, PassedSocket.Kind)], forwards: [Forward] = forwards
    ) throws -> SocketActivation {
        let passed = sockets.enumerated().map { index, socket in
            PassedSocket(descriptor: Int32(3 + index), name: socket.0, kind: socket.1)
        }
        return try SocketActivation(passed, forwards: forwards)
    }

    private static func complaint(_ name: String, _ kind: PassedSocket.Kind) throws -> String {
        try #require(throws: SocketActivation.Failure.self) { try activation([(name, kind)]) }.description
    }

    @Test func `sockets find their places by their names, any number with one`() throws {
        let found = try Self.activation([
            ("listen", Self.stream), ("varlink", Self.unix), ("listen", Self.unix), ("forward-db", Self.unix),
            ("forward-db", Self.stream), ("forward-dns", Self.datagrams),
        ])
        #expect(found.listeners.map(\.descriptor) == [3, 5])
        #expect(found.control?.descriptor == 4)
        #expect(found.forwards["db"]?.map(\.descriptor) == [6, 7])
        #expect(found.forwards["dns"]?.map(\.descriptor) == [8])
        #expect(!found.isEmpty)
        #expect(try Self.activation([]).isEmpty)
    }

    @Test(arguments: ["listen", "unknown", "wstand.socket", "wstand@home.socket"])
    func `a listener may be called after its unit, or not at all`(name: String) throws {
        #expect(try Self.activation([(name, Self.stream)]).listeners.count == 1)
    }

    @Test(arguments: ["varlink", "control", "wstand-control.socket", "wstand-control@home.socket"])
    func `so may the control socket`(name: String) throws {
        #expect(try Self.activation([(name, Self.unix)]).control?.descriptor == 3)
    }

    @Test(arguments: [
        "", "Listen", "listen2", "wstand", "wstand@.socket", "wstand@home", "wstandx.socket", "socket", ".socket",
        "forward-", "forward-other", "forward db", "connection", "stored",
    ])
    func `another name is refused, with those that there are`(name: String) throws {
        let text = try Self.complaint(name, Self.stream)
        #expect(text.contains("\"\(name)\""))
        #expect(text.hasSuffix("one of listen, varlink, forward-db, forward-dns"))
    }

    @Test func `a server has no forwards`() throws {
        let failure = #expect(throws: SocketActivation.Failure.self) {
            try Self.activation([("forward-db", Self.stream)], forwards: [])
        }
        #expect(failure?.description.hasSuffix("one of listen, varlink") == true)
    }

    @Test func `a socket of the wrong kind is refused, with the kind that it has to be`() throws {
        #expect(try Self.complaint("listen", Self.datagrams).contains("is a datagram socket: it has to be a stream"))
        #expect(try Self.complaint("listen", .other("no socket")).contains("is no socket: it has to be a stream"))
        #expect(try Self.complaint("varlink", Self.stream).contains("it has to be a Unix stream socket"))
        #expect(try Self.complaint("forward-db", Self.datagrams).contains("ListenStream="))
        #expect(try Self.complaint("forward-dns", Self.stream).contains("ListenDatagram="))
        #expect(try Self.complaint("forward-dns", .datagrams(.unix(nil))).contains("ListenDatagram="))
    }

    @Test func `there is one control socket`() {
        #expect(throws: SocketActivation.Failure.self) {
            try Self.activation([("varlink", Self.unix), ("control", Self.unix)])
        }
    }

    /// "LISTEN_FDS and LISTEN_FDNAMES do not agree" was said of a process ID that is none.
    @Test(arguments: [
        ("x", "1", nil, "LISTEN_PID is no process ID"), ("-1", "1", nil, "LISTEN_PID is no process ID"), ("", "1", nil, "LISTEN_PID is no process ID"),
        ("1", "x", nil, "LISTEN_FDS is no number of sockets"), ("1", nil, nil, "LISTEN_FDS is no number"), ("1", "0", nil, "LISTEN_FDS is no number"),
        ("1", "2", "a", "LISTEN_FDS says 2 and LISTEN_FDNAMES names 1"), ("1", "1", "a:b", "LISTEN_FDS says 1 and LISTEN_FDNAMES names 2"),
        ("1", "1000000", nil, "LISTEN_FDS is no number"), ("1", "60000", nil, "the last of them is not open"),
    ] as [(String?, String?, String?, String)])
    func `what is wrong with the variables of passed sockets is named`(process: String?, count: String?, names: String?, words: String) {
        let mistake = ListenVariables(process: process, count: count, names: names).mistake
        #expect(mistake?.hasPrefix(words) == true || mistake?.contains(words) == true, "\(mistake ?? "")")
    }
}
