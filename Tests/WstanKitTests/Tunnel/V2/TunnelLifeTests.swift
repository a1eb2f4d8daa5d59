import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct TunnelLifeTests {
    private static let scenarios = MessageVectors.all.scenarios

    @Test func `each scenario of the vectors goes as the reference says`() throws {
        #expect(Self.scenarios.count == 25)
        var steps = 0
        for scenario in Self.scenarios {
            var life = TunnelLife(scenario.side == "client" ? .client : .server)
            for (number, step) in scenario.steps.enumerated() {
                steps += 1
                try Self.check(step, &life, "\(scenario.name), step \(number)")
            }
            #expect(life.isIdle == scenario.idle, "\(scenario.name)")
            #expect(life.isParked == scenario.parked, "\(scenario.name)")
            #expect(life.started == scenario.connections, "\(scenario.name)")
        }
        #expect(steps == 98)
    }

    private static func check(_ step: MessageVectors.Step, _ life: inout TunnelLife, _ place: Comment) throws {
        if let send = step.send {
            #expect(life.say(try #require(send.type)) == true, place)
        } else if let code = step.abort {
            let reset = life.abort().map { ResetV2(connection: $0, code: ResetCode(byte: code)) }
            #expect(reset.map(Self.reply) == step.sends, place)
        } else {
            let word = try #require(step.receive)
            let plaintext = [word.byte] + Hexadecimal(try #require(step.body)).bytes
            let verdict = plaintext.withUnsafeBytes { bytes in
                (try? MessageV2.read(bytes)).flatMap { try? life.hear($0) }
            }
            #expect(Self.word(verdict) == step.outcome, place)
            #expect(verdict?.reply.map { Self.reply(ResetV2(connection: $0, code: .none)) } == step.reply, place)
        }
    }

    private static func reply(_ reset: ResetV2) -> [String] {
        var body: [UInt8] = []
        reset.encode(into: &body)
        return ["RESET", Hex.encode(body)]
    }

    /// The reference tells no signal from a reset.
    private static func word(_ verdict: LifeVerdict?) -> String {
        switch verdict?.outcome {
        case .deliver: "deliver"
        case .ignore: "ignore"
        case .request: "request"
        case .refuse: "refuse"
        case .parked: "parked"
        case .reset, .signal: "reset"
        case nil: "violation"
        }
    }

    // MARK: What the scenarios leave out

    private static func open(_ side: TunnelLife.Side, _ cargo: TunnelLife.Cargo = .stream) throws -> TunnelLife {
        var life = TunnelLife(side)
        if side == .client {
            #expect(life.sendRequest(cargo) == true)
            #expect(try life.receivedOK() == .deliver)
        } else {
            #expect(try life.receivedRequest(.connect, cargo) == .begin)
            #expect(life.sendOK() == true)
        }
        return life
    }

    /// Section 6: "a type that the kind of connection does not have" closes at once.
    @Test func `each kind of connection has its types`() throws {
        let types: [MessageType] = [.data, .dataAt, .dgram, .packet]
        let kinds: [(TunnelLife.Cargo, [MessageType])] = [
            (.stream, [.data, .dataAt]), (.datagrams, [.dgram]), (.packets, [.packet]), (.none, []),
        ]
        for side in [TunnelLife.Side.client, .server] {
            for (cargo, own) in kinds {
                var life = try Self.open(side, cargo)
                for type in types {
                    #expect(life.maySend(type) == own.contains(type))
                    if own.contains(type) {
                        #expect(try life.received(type) == .deliver)
                    } else {
                        #expect(throws: Violation.notOfThisConnection) { try life.received(type) }
                    }
                }
                if cargo == .stream {
                    #expect(try life.receivedAcknowledgement(of: 0) == .deliver)
                } else {
                    #expect(throws: Violation.notOfThisConnection) { try life.receivedAcknowledgement(of: 0) }
                }
                // Whatever comes behind a reset of ours is ignored.
                #expect(life.abort() == 0)
                for type in types { #expect(try life.received(type) == .ignore) }
            }
        }
    }

    @Test func `a listen for UDP carries datagrams, others nothing`() {
        func cargo(_ kind: [UInt8]?) -> TunnelLife.Cargo {
            var request = RequestV2(.listen)
            if let kind { request.body.options.set(.listenKind, kind) }
            return TunnelLife.Cargo(of: request)
        }
        #expect(cargo([1]) == .datagrams)
        #expect(cargo([0]) == .none)
        #expect(cargo([2]) == .none)
        #expect(cargo(nil) == .none)
        #expect(TunnelLife.Cargo(of: RequestV2(.later(0x17))) == .none)
    }

    @Test func `who was asked says OK first and once`() throws {
        var life = TunnelLife(.server)
        #expect(life.sendOK() == false)
        #expect(try life.receivedRequest(.connect, .stream) == .begin)
        #expect(!life.maySend(.data) && !life.sendFin())
        #expect(life.sendOK() == true)
        #expect(life.sendOK() == false)
        #expect(life.maySend(.data) && life.sendFin())
        #expect(!life.maySend(.data) && !life.sendFin())
        var asking = TunnelLife(.client)
        #expect(asking.sendRequest(.stream) == true)
        #expect(asking.sendOK() == false)
        #expect(asking.maySend(.data))
    }

    @Test func `BYE ends with what is open, and requests that cross it are refused`() throws {
        var client = try Self.open(.client)
        client.receivedBye()
        #expect(!client.isOver)
        #expect(client.maySend(.data))
        #expect(client.sendFin() == true)
        #expect(try client.receivedFin() == .deliver)
        #expect(client.isOver)
        #expect(!client.sendRequest(.stream) && !client.sendPark())

        var server = TunnelLife(.server)
        server.sendBye()
        #expect(!server.isOver)
        #expect(try server.receivedRequest(.connect, .stream) == .refuse)
        #expect(server.abort() == 0)
        #expect(server.receivedReset(of: 0) == .ignore)
        #expect(server.isIdle)

        var parked = TunnelLife(.server)
        #expect(try parked.receivedRequest(.park, .none) == .park)
        parked.sendBye()
        #expect(parked.sendIncoming() == false)
    }

    @Test func `a loss is a truncation while a connection is open`() throws {
        var life = try Self.open(.client)
        #expect(life.isConnected)
        #expect(life.sendFin() == true)
        #expect(life.isConnected)
        #expect(try life.receivedFin() == .deliver)
        #expect(!life.isConnected)
        var aborted = try Self.open(.server)
        #expect(aborted.abort() == 0)
        #expect(!aborted.isConnected && !aborted.isIdle)
    }

    @Test func `a signal is told from a reset`() throws {
        var life = try Self.open(.server)
        #expect(try life.receivedFin() == .deliver)
        #expect(life.receivedReset(of: 0) == .end(isSignal: true, answer: 0))
        #expect(life.isIdle)
        var other = try Self.open(.server)
        #expect(other.receivedReset(of: 0) == .end(isSignal: false, answer: 0))
        var finished = try Self.open(.server)
        #expect(finished.sendFin() == true)
        #expect(finished.receivedReset(of: 0) == .end(isSignal: false, answer: nil))
    }

    /// `conn` has 8 bits: with more awaited, a RESET could be of two connections.
    @Test func `a client that resets and asks again stops when the numbers would come round`() {
        var life = TunnelLife(.client)
        var requests = 0
        while life.sendRequest(.stream) {
            requests += 1
            _ = life.abort()
        }
        #expect(requests == 255)
        for number in 0..<255 { #expect(life.receivedReset(of: UInt8(number)) == .ignore) }
        #expect(life.isIdle)
        #expect(life.sendRequest(.stream) == true)
        #expect(life.connection == 255)
    }

    @Test func `only a server needs tunnels`() {
        #expect(throws: Violation.wrongSide) { try TunnelLife(.server).receivedNeed() }
        #expect(throws: Never.self) { try TunnelLife(.client).receivedNeed() }
    }

    // MARK: Proof (section 4.5)

    @Test func `an unproven tunnel is asked, and closed`() {
        let began = Instant(nanoseconds: 5)
        var proof = TunnelProof(now: began)
        #expect(proof.timePassed(now: began) == .wait(until: began + .seconds(10)))
        #expect(proof.timePassed(now: began + .seconds(10)) == .ping(until: began + .seconds(20)))
        #expect(proof.timePassed(now: began + .seconds(12)) == .wait(until: began + .seconds(20)))
        #expect(!proof.isProven)
        #expect(proof.timePassed(now: began + .seconds(20)) == .close)

        var proven = TunnelProof(now: began)
        _ = proven.timePassed(now: began + .seconds(10))
        proven.openedRecord()
        #expect(proven.isProven)
        #expect(proven.timePassed(now: began + .seconds(30)) == .proven)
    }
}
