@testable import WstanBase
@testable import WstanCore

extension FuzzTarget {
    /// Both ends of a version 2 tunnel, wired in memory. Honest ends never find each other out of turn, bytes reach the connection
    /// that they were sent for, and when everything has arrived and both are done, both are idle and have counted the same.
    static let tunnelLives = FuzzTarget(
        "tunnel-lives",
        seeds: [
            [0, 10, 5, 4, 4, 11, 6, 7, 11, 10], [0, 4, 10, 8, 0, 10, 5, 11, 4, 11], [3, 10, 9, 11, 4, 5, 10, 6, 11, 7],
            [1, 10, 9, 5, 6, 11, 2, 2, 10], [0, 10, 5, 6, 8, 11, 10, 13, 0, 10],
        ]
    ) { input in
        var wire = LifeWire()
        while !input.isOver { wire.happen(input.below(14)) }
        wire.settle()
    }

    /// One end alone, and a peer that says anything: whatever it says has an answer, and the counts never pass each other.
    static let loneTunnelLife = FuzzTarget(
        "lone-tunnel-life",
        seeds: [
            [1, 0, 4, 16, 0, 0, 0, 2, 3, 0, 2, 1, 0], [0, 4, 1, 3, 0, 3, 4, 0, 0, 0, 0, 2, 1, 65, 0, 3, 3, 0, 16],
            [1, 0, 4, 19, 0, 0, 0, 3, 0, 4, 16, 0, 0, 0],
        ]
    ) { input in
        var life = TunnelLife(input.flag() ? .server : .client)
        while !input.isOver {
            switch input.below(4) {
            case 0:
                let message = input.take(Int(input.byte()))
                let before = life
                let closed: Bool? = message.withUnsafeBytes { bytes in
                    guard let message = try? MessageV2.read(bytes) else { return nil }
                    return (try? life.hear(message)) == nil
                }
                if closed == true { return require(before.started <= life.started, "requests are only added") }
            case 1: _ = life.say(input.choice(of: LifeWire.sayings))
            case 2:
                if life.abort() != nil { require(!life.isSending && life.isAborted, "nothing is sent behind a reset") }
            default: _ = life.sendOK()
            }
            require(life.sentEnds <= life.started && life.receivedEnds <= life.started, "a segment ends once")
            require(life.started - life.sentEnds <= 1, "one segment at a time is sent")
            require(!(life.isAborted && life.isSending), "nothing is sent behind a reset")
            require(!life.isParked || life.isIdle, "only an idle tunnel is parked")
        }
    }
}

/// What comes of a message, and the connection that the RESET 0 to send names.
struct LifeVerdict: Equatable {
    enum Outcome: Equatable {
        case deliver, ignore, request, refuse, parked, reset, signal
    }

    let outcome: Outcome
    var reply: UInt8?

    fileprivate init(_ outcome: Outcome, reply: UInt8? = nil) {
        self.outcome = outcome
        self.reply = reply
    }

    fileprivate init(_ action: TunnelLife.ContentAction) {
        outcome = action == .deliver ? .deliver : .ignore
    }
}

extension TunnelLife {
    /// The event that a message is.
    mutating func hear(_ message: MessageV2) throws(Violation) -> LifeVerdict {
        switch message {
        case .nop, .ping, .pong, .rekey: return LifeVerdict(.deliver)
        case .ignorable: return LifeVerdict(.ignore)
        case .bye:
            receivedBye()
            return LifeVerdict(.deliver)
        case .need:
            try receivedNeed()
            return LifeVerdict(.deliver)
        case .data, .dataAt, .dgram, .packet: return LifeVerdict(try received(message.type))
        case .fin: return LifeVerdict(try receivedFin())
        case .ok: return LifeVerdict(try receivedOK())
        case .ack(let acknowledgement): return LifeVerdict(try receivedAcknowledgement(of: acknowledgement.connection))
        case .reset(let reset):
            switch receivedReset(of: reset.connection) {
            case .ignore: return LifeVerdict(.ignore)
            case .end(let isSignal, let answer): return LifeVerdict(isSignal ? .signal : .reset, reply: answer)
            }
        case .request(let request):
            switch try receivedRequest(request.type, Cargo(of: request)) {
            case .begin: return LifeVerdict(.request)
            case .refuse: return LifeVerdict(.refuse)
            case .park: return LifeVerdict(.parked)
            }
        }
    }

    /// Sends a message of this type if it may.
    mutating func say(_ type: MessageType, _ cargo: Cargo? = nil) -> Bool {
        switch type {
        case .request(.park): return sendPark()
        case .request(.incoming): return sendIncoming()
        case .request(let request): return sendRequest(cargo ?? Cargo(of: RequestV2(request)))
        case .ok: return sendOK()
        case .fin: return sendFin()
        case .bye:
            sendBye()
            return true
        case .data, .dataAt, .dgram, .packet: return maySend(type)
        case .nop, .ping, .pong, .rekey, .ack, .need, .ignorable, .reset: return true
        }
    }
}

/// A client and a server, with what is on the way between them.
private struct LifeWire {
    static let sayings: [MessageType] = [
        .request(.connect), .request(.associate), .request(.listen), .request(.park), .data, .ok, .fin, .dgram,
        .request(.incoming), .bye,
    ]

    private struct Letter {
        let type: MessageType
        let cargo: TunnelLife.Cargo
        /// Of the connection that it was sent for.
        let number: UInt64
        var reset: UInt8 = 0
    }

    private var client = TunnelLife(.client)
    private var server = TunnelLife(.server)
    private var up: [Letter] = []
    private var down: [Letter] = []

    mutating func happen(_ event: Int) {
        switch event {
        case 0: say(.request(.connect), byClient: true)
        case 1: say(.request(.associate), byClient: true)
        case 2: say(.request(.network), byClient: true)
        case 3: say(.request(.park), byClient: true)
        case 4: for type in [MessageType.data, .dgram, .packet] { say(type, byClient: true) }
        case 5: say(.ok, byClient: false)
        case 6: for type in [MessageType.data, .dgram, .packet] { say(type, byClient: false) }
        case 7: say(.fin, byClient: true)
        case 8: abort(byClient: true)
        case 9: say(.request(.incoming), byClient: false)
        case 10: for _ in 0..<2 { deliver(toClient: false) }
        case 11: for _ in 0..<2 { deliver(toClient: true) }
        case 12: say(.fin, byClient: false)
        default: abort(byClient: false)
        }
    }

    /// Both end what is open, and everything arrives.
    mutating func settle() {
        for _ in 0..<1000 where !(up.isEmpty && down.isEmpty && client.isIdle && server.isIdle) {
            while !up.isEmpty { deliver(toClient: false) }
            while !down.isEmpty { deliver(toClient: true) }
            for byClient in [true, false] {
                say(.ok, byClient: byClient)
                say(.fin, byClient: byClient)
            }
        }
        require(client.isIdle && server.isIdle, "both come to an end")
        require(client.started == server.started && client.isParked == server.isParked, "both have counted the same")
    }

    private mutating func say(_ type: MessageType, byClient: Bool) {
        var cargo: TunnelLife.Cargo?
        if case .request(let request) = type { cargo = TunnelLife.Cargo(of: RequestV2(request)) }
        guard byClient ? client.say(type, cargo) : server.say(type, cargo) else { return }
        post(type, cargo ?? .none, byClient: byClient)
    }

    private mutating func abort(byClient: Bool) {
        guard let connection = byClient ? client.abort() : server.abort() else { return }
        post(.reset, .none, byClient: byClient, reset: connection)
    }

    private mutating func post(_ type: MessageType, _ cargo: TunnelLife.Cargo, byClient: Bool, reset: UInt8 = 0) {
        let letter = Letter(type: type, cargo: cargo, number: byClient ? client.started : server.started, reset: reset)
        if byClient { up.append(letter) } else { down.append(letter) }
    }

    private mutating func deliver(toClient: Bool) {
        guard !(toClient ? down.isEmpty : up.isEmpty) else { return }
        let letter = toClient ? down.removeFirst() : up.removeFirst()
        do throws(Violation) {
            let answer = toClient ? try Self.receive(letter, &client) : try Self.receive(letter, &server)
            if let answer { post(.reset, .none, byClient: toClient, reset: answer) }
        } catch {
            require(false, "an honest peer is never out of turn: \(error) for \(letter.type)")
        }
    }

    /// - Returns: the connection that a RESET to send names.
    private static func receive(_ letter: Letter, _ life: inout TunnelLife) throws(Violation) -> UInt8? {
        switch letter.type {
        case .request(let type): _ = try life.receivedRequest(type, letter.cargo)
        case .ok: _ = try life.receivedOK()
        case .fin: _ = try life.receivedFin()
        case .reset:
            if case .end(_, let answer) = life.receivedReset(of: letter.reset) { return answer }
        default:
            if try life.received(letter.type) == .deliver {
                require(letter.number == life.started, "bytes reach the connection that they were sent for")
            }
        }
        return nil
    }
}
