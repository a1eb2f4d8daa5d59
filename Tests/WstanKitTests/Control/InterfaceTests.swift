import Foundation
import Testing
import WstanControl

@testable import WstanConfig
@testable import WstanControlSocket
@testable import WstanCore

@Suite struct InterfaceTests {
    @Test func `the text in the program is the file's`() throws {
        let file = Repository.file("Sources/WstanControl/org.wstan.control.varlink")
        #expect(try String(contentsOf: file, encoding: .utf8) == ControlInterface.text)
    }

    @Test func `both interfaces are read, and every method is known to the server`() {
        #expect(ControlInterface.description.name == ControlInterface.name)
        #expect(ServiceInterface.description.name == ServiceInterface.name)
        let declared = [ControlInterface.description, ServiceInterface.description].flatMap { description in
            description.methods.keys.map { description.name + "." + $0 }
        }
        #expect(Set(declared) == Set(ControlCommand.allCases.map(\.name)))
    }

    @Test func `the types are those of the interface`() throws {
        let tunnel = Control.Tunnel(
            id: 7, state: .using, protocol: .tcp, peer: "p", client: "c", target: "t:1", key: "default",
            bytesReceived: 1,
            bytesSent: 2, startTimestampUSec: 3, lastActivityTimestampUSec: 4, rttUSec: 5)
        try Self.check(ListTunnels.self, .init(states: [.idle], follow: true), .init(tunnel: tunnel, event: .listed))
        try Self.check(GetStatus.self, .init(intervalUSec: 1), Self.fullStatus)
        let diagnostic = Control.Diagnostic(severity: .error, file: "f", line: 1, column: 2, message: "m")
        try Self.check(CheckConfiguration.self, .init(text: "t"), .init(diagnostics: [diagnostic]))
        try Self.check(CloseTunnel.self, .init(id: 1), .init())
        let refusal = Control.Refusal(
            address: "a", cause: "c", text: "t", key: "k", count: 1, firstTimestampUSec: 2, lastTimestampUSec: 3)
        try Self.check(ListRejects.self, .init(all: true), .init(sinceTimestampUSec: 1, refusals: [refusal]))
        try Self.check(Reload.self, .init(dryRun: true), .init(changed: ["a"], requiresRestart: [], warnings: ["w"]))
        let key = Control.Key(
            name: "n", id: "i", state: .previous, source: .state, createdTimestampUSec: 1, retireTimestampUSec: 2, uses: 3,
            lastUseTimestampUSec: 4, kind: .v2, formerServerKeyTimestampUSec: 5, refusedBy: "r", notMoved: true)
        try Self.check(ListKeys.self, .init(), .init(keys: [key]))
        try Self.check(
            RotateServerKey.self, .init(graceUSec: 1, force: true, runtimeOnly: true),
            .init(id: "i", persisted: true, warnings: [], keyFile: "f", keyFileKey: "k", formerKeys: [key]))
        try Self.check(
            RotateKey.self, .init(name: "n", key: "k", graceUSec: 1, runtimeOnly: true, version: 2),
            .init(
                id: "i", key: "k", persisted: true, warnings: [], keyFile: "f", clientURI: "u", clientURIGuessed: true,
                clientURILoopback: true, formerKeys: [key], keyFileKey: "k", replacedKey: "r"))
        try Self.check(
            AddKey.self, .init(name: "n", key: "k", version: 1),
            .init(id: "i", key: "k", persisted: false, warnings: [], clientURI: "u", clientURIGuessed: false,
                clientURILoopback: false, otherKeys: [key]))
        try Self.check(RetireKey.self, .init(id: "i", close: true), .init(closed: 1, warnings: ["w"], keyFile: "f", keyFileKey: "k"))
        try Self.check(Drain.self, .init(timeoutUSec: 1, exit: true), .init(tunnelsActive: 2))
        try Self.check(Undrain.self, .init(), .init())
        try Self.check(SetLogLevel.self, .init(level: .debug), .init(former: .notice))
        try Self.check(
            GetClientConfiguration.self, .init(keyName: "n", version: 2),
            .init(text: "t", key: "k", clientURI: "u", clientURIGuessed: true, clientURILoopback: true, warnings: ["w"]))
        try Self.check(GetInterfaceDescription.self, .init(interface: "a.b"), .init(description: "d"))
        try Self.check(
            GetInfo.self, .init(), .init(vendor: "a", product: "b", version: "c", url: "d", interfaces: ["e.f"]))
    }

    static let fullStatus = GetStatus.Reply(
        version: "1", mode: .server, state: .running, statusText: "s", instance: "i", pid: 1, startTimestampUSec: 2,
        configurationLoadTimestampUSec: 3, configurationErrors: ["e"], warnings: ["w"],
        listeners: [.init(name: "n", address: "a:1", activated: true)], tunnelsActive: 4, tunnelsTotal: 5,
        bytesReceived: 6,
        bytesSent: 7, drainDeadlineTimestampUSec: 8, drainStartTimestampUSec: 7, drainExits: true,
        pool: .init(size: 1, idle: 2, opening: 3, hits: 4, misses: 5, rttUSec: 6),
        rejects: .init([
            .replay: 1, .expired: 2, .badAuthentication: 3, .malformed: 4, .forbiddenTarget: 5, .overLimit: 6,
            .droppedDatagrams: 7, .draining: 8,
        ]),
        keys: [
            .init(
                name: "n", id: "i", state: .current, source: .state, createdTimestampUSec: 1, retireTimestampUSec: 2,
                uses: 3,
                lastUseTimestampUSec: 4, kind: .v1, formerServerKeyTimestampUSec: 5, refusedBy: "r", notMoved: false)
        ], logLevel: .info, droppedDatagrams: 9, restricted: false,
        servers: [
            .init(
                uri: "wss://h:1/hidden/", state: .unreachable, used: true, sinceTimestampUSec: 1,
                lastSuccessTimestampUSec: 2, lastFailureTimestampUSec: 3, code: "c", cause: "w", advice: "a",
                tunnels: 4, rttUSec: 5, certificateEndTimestampUSec: 6, carrier: .protocol, carrierCause: "front a:1",
                keyReplaced: true, keyEndTimestampUSec: 7)
        ],
        certificate: .init(file: "f", names: ["n"], endTimestampUSec: 1, mismatchedHost: "h", refusal: "/f is bad"),
        requiresRestart: ["uri"], filesChanged: true, reloadFailureTimestampUSec: 1, warningCount: 1,
        replacedListen: ["a"], withoutTLS: ["b"], trustsFront: false, keyCount: 300, impostors: 1, unproven: 2,
        refusedKeys: ["n"], refusesAllKeys: true)

    @Test func `refusals are counted in the interface's order, each in a field of its own`() throws {
        let rejects = ControlCoding.object(of: Control.Rejects([.replay: 1, .droppedDatagrams: 7]))
        let names = rejects.members.map(\.name)
        #expect(
            names == [
                "replay", "expired", "badAuthentication", "malformed", "forbiddenTarget", "overLimit",
                "droppedDatagrams", "draining",
            ])
        #expect(rejects.members.map(\.value) == [1, 0, 0, 0, 0, 0, 7, 0].map(JSONValue.integer))
        #expect(RefusalCounts.Counter.allCases.map { Control.Rejects.Field($0).rawValue } == names)
        #expect(throws: DecodingError.self) { try ControlCoding.decode(Control.Rejects.self, from: JSONObject()) }
    }

    @Test func `a daemon of 0.1.0 does not count refusals while draining`() throws {
        var former = JSONObject()
        for member in ControlCoding.object(of: Control.Rejects([.replay: 1])).members where member.name != "draining" {
            former.append(member.name, member.value)
        }
        #expect(try ControlCoding.decode(Control.Rejects.self, from: former)[.replay] == 1)
    }

    /// The head of the interface says the same as the types.
    @Test func `who may call a method is said in the interface`() throws {
        let head = try #require(ControlInterface.text.split(separator: "\ninterface ").first)
        let sentences = head.split(separator: "\n").map { $0.drop { "# ".contains($0) } }.joined(separator: " ")
            .split(separator: ". ")
        func named(_ right: Control.Right) -> [String] {
            ControlCommand.allCases.filter { $0.type.right == right && $0.name.hasPrefix(ControlInterface.name) }
                .map { String($0.name.dropFirst(ControlInterface.name.count + 1)) + "()" }
        }
        for method in named(.everyone) {
            #expect(sentences.contains { $0.contains(method) && $0.contains("every local user") }, "\(method)")
        }
        for method in named(.owner) {
            #expect(sentences.contains { $0.contains(method) && $0.contains("root or the daemon's own user") }, "\(method)")
        }
        for method in named(.group) { #expect(!head.contains(method), "\(method)") }
        #expect(sentences.contains { $0.contains("All other methods") && $0.contains("control group") })
    }

    /// With every field set, so that none can be missing in one of the two.
    private static func check<Method: ControlMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, _ reply: Method.Reply
    ) throws {
        let dot = try #require(Method.name.lastIndex(of: "."))
        let description = try #require(ControlDispatcher.description(of: String(Method.name[..<dot])))
        let declared = try #require(description.methods[String(Method.name[Method.name.index(after: dot)...])])
        let sent = ControlCoding.object(of: parameters)
        #expect(description.firstFault(in: sent, of: declared.parameters) == nil)
        #expect(Set(sent.members.map(\.name)) == Set(declared.parameters.map(\.name)))
        #expect(try ControlCoding.decode(Method.Parameters.self, from: sent) == parameters)
        let answered = ControlCoding.object(of: reply)
        #expect(description.firstFault(in: answered, of: declared.reply) == nil)
        #expect(Set(answered.members.map(\.name)) == Set(declared.reply.map(\.name)))
        #expect(try ControlCoding.decode(Method.Reply.self, from: answered) == reply)
    }

    @Test func `every error goes there and back`() throws {
        let errors: [ControlError] = [
            .configurationInvalid([.init(severity: .warning, message: "m")]), .noSuchTunnel(id: 1), .noSuchKey(id: "k"),
            .keyExists(name: "n"), .invalidKey(message: "m"), .keyReadOnly(source: "s"), .wrongState("client"),
            .operationFailed(message: "m"), .interfaceNotFound("i"), .methodNotFound("m"), .methodNotImplemented("m"),
            .invalidParameter("p"), .permissionDenied, .expectedMore,
        ]
        for error in errors {
            let (name, parameters) = error.message
            #expect(ControlError(name: name, parameters: parameters) == error)
            let dot = try #require(name.lastIndex(of: "."))
            let description = try #require(ControlDispatcher.description(of: String(name[..<dot])))
            let declared = try #require(description.errors[String(name[name.index(after: dot)...])])
            #expect(description.firstFault(in: parameters, of: declared) == nil)
            let reply = try ControlReply(reading: ControlReply(error).bytes)
            #expect(reply.error == name && reply.parameters == parameters)
        }
        #expect(errors.count == ControlInterface.description.errors.count + ServiceInterface.description.errors.count)
    }

    @Test(arguments: [
        ("interface a", 1), ("interface a.b\ntype a ()", 2), ("interface a.b\ntype A (x)\ntype A (y)", 3),
        ("interface a.b\ntype A (x: B)", 2), ("interface a.b\ntype A (x: int, y)", 2), ("interface a.b\nmethod M()", 2),
        ("interface a.b\nerror E (x: ??int)", 2), ("interface a.b\nerror E (x: [int]int)", 2), ("method M() -> ()", 1),
        ("interface a.b\nerror E (x_: int)", 2), ("interface a.b\ntype A (x: (y: int)", 2), ("", 1),
        ("interface a.b\nfoo B ()", 2),
        ("interface a.b\ntype A (x: " + String(repeating: "[]", count: 40) + "int)", 2),
    ])
    func `a text that is no interface is refused with its line`(text: String, line: Int) {
        let failure = #expect(throws: InterfaceParser.Failure.self) { try InterfaceDescription(text) }
        #expect(failure?.line == line)
    }

    @Test func `faults are named with what they stand in`() throws {
        let description = try InterfaceDescription(
            "interface a.b\ntype P (x: int, e: (one, two))\nmethod M(p: ?P, l: ?[]P, m: ?[string]float, a: ?any, o: ?object)->()"
        )
        let fields = try #require(description.methods["M"]).parameters
        func fault(_ text: String) throws -> String? {
            guard case .object(let object) = try JSONReader.read(Array(text.utf8), within: .call) else {
                return "no object"
            }
            return description.firstFault(in: object, of: fields)
        }
        #expect(try fault(#"{}"#) == nil)
        #expect(try fault(#"{"p":null,"l":[],"m":{"k":1,"l":1.5},"a":[1],"o":{}}"#) == nil)
        #expect(try fault(#"{"q":1}"#) == "q")
        #expect(try fault(#"{"p":{"x":1.0,"e":"one"}}"#) == "p.x")
        #expect(try fault(#"{"p":{"x":1}}"#) == "p.e")
        #expect(try fault(#"{"p":{"x":1,"e":"three"}}"#) == "p.e")
        #expect(try fault(#"{"p":{"x":1,"e":"one","z":0}}"#) == "p.z")
        #expect(try fault(#"{"l":[{"x":1,"e":"two"},{"x":"1","e":"two"}]}"#) == "l.x")
        #expect(try fault(#"{"m":{"k":"v"}}"#) == "m")
        #expect(try fault(#"{"o":[]}"#) == "o")
        #expect(try fault(#"{"p":7}"#) == "p")
        #expect(try fault(#"{"p":{"x":18446744073709551616,"e":"one"}}"#) == "p.x")
    }
}
