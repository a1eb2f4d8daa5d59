/// The life of a version 2 tunnel as a value (protocol-v2.md section 6): who may send what, and which connection it belongs to.
/// Events go in, orders come out; bytes, ciphers and clocks are the driver's.
///
/// A tunnel carries one connection at a time, numbered by its requests, whichever side asked. In each connection each side sends
/// one segment, which ends with exactly one terminator: FIN, or the RESET that names the connection if no FIN went before. A RESET
/// behind the sender's own FIN is a signal: "stop, I am gone". With both segments ended the tunnel is idle. So a side that resets
/// may ask again right behind, and what still comes of the old connection is ignored.
///
/// What throws closes the tunnel at once.
struct TunnelLife: Equatable, Sendable {
    /// Which end this is. The client asks; the server does on a tunnel that the client has parked for it.
    enum Side: Sendable {
        case client
        case server
    }

    /// What the messages between OK and FIN are.
    enum Cargo: Sendable {
        /// DATA, DATAAT, ACK.
        case stream
        /// DGRAM.
        case datagrams
        /// PACKET.
        case packets
        /// Nothing: of a LISTEN, whose connections come on tunnels of their own.
        case none
    }

    let side: Side
    /// Requests so far, but for PARK, whichever side made them. The last one began the current connection.
    private(set) var started: UInt64 = 0
    /// Our segments that have ended.
    private(set) var sentEnds: UInt64 = 0
    /// The peer's segments that have ended.
    private(set) var receivedEnds: UInt64 = 0
    /// The client waits for the server's request.
    private(set) var isParked = false

    // Of the current connection.

    /// One of the sides has reset it.
    private(set) var isAborted = false
    /// We have asked.
    private(set) var isOurs = false
    /// OK was sent or received.
    private(set) var isAnswered = false
    private(set) var cargo = Cargo.none

    // Of the tunnel.

    /// One of the sides has said BYE: no request is made here.
    private(set) var isDraining = false
    private var peerDrains = false

    /// The peer's segments that may be awaited at once, so that `conn`, which has 8 bits, is of one connection only.
    private static let mostAwaited: UInt64 = 255

    init(_ side: Side) {
        self.side = side
    }

    /// Whether our segment of the current connection is to be ended.
    var isSending: Bool { sentEnds < started }
    /// Whether segments of the peer are to come.
    var isReceiving: Bool { receivedEnds < started }
    var isIdle: Bool { !isSending && !isReceiving }

    /// A loss of the tunnel now is a truncation: the near end is reset, never closed in good order.
    var isConnected: Bool { !isIdle && !isAborted }

    /// The peer has said BYE and nothing is open: the tunnel ends with a WebSocket close 1000.
    var isOver: Bool { peerDrains && isIdle }

    /// The current connection, as RESET and ACK name it.
    var connection: UInt8 { UInt8(truncatingIfNeeded: started &- 1) }

    /// Whether what comes is of the current connection, and the near end is to have it.
    private var isLive: Bool { receivedEnds &+ 1 == started && !isAborted }

    private mutating func begin(_ cargo: Cargo, isOurs: Bool) {
        started += 1
        isAborted = false
        isAnswered = false
        self.isOurs = isOurs
        self.cargo = cargo
    }

    // MARK: Sending

    /// Client: a request but PARK is about to go out.
    ///
    /// - Returns: false when the tunnel is not free.
    mutating func sendRequest(_ cargo: Cargo) -> Bool {
        guard side == .client, !isDraining, !isParked, !isSending, isIdle || isAborted,
            started - receivedEnds < Self.mostAwaited
        else { return false }
        begin(cargo, isOurs: true)
        return true
    }

    /// Client: PARK is about to go out.
    mutating func sendPark() -> Bool {
        guard side == .client, !isDraining, !isParked, isIdle else { return false }
        isParked = true
        return true
    }

    /// Server: INCOMING is about to go out.
    mutating func sendIncoming() -> Bool {
        guard side == .server, !isDraining, isParked else { return false }
        isParked = false
        begin(.stream, isOurs: true)
        return true
    }

    /// The asked side says OK once, before anything else.
    mutating func sendOK() -> Bool {
        guard isSending, !isOurs, !isAnswered else { return false }
        isAnswered = true
        return true
    }

    /// DATA, DATAAT, DGRAM and PACKET.
    ///
    /// - Returns: whether it may be sent now.
    func maySend(_ type: MessageType) -> Bool { maySpeak && carries(type) }

    mutating func sendFin() -> Bool {
        guard maySpeak else { return false }
        sentEnds += 1
        return true
    }

    private var maySpeak: Bool { isSending && (isOurs || isAnswered) }

    /// Ends the connection for good. Behind our own FIN it tells the peer that nothing of its segment is wanted.
    ///
    /// - Returns: the connection that the RESET to send names; nil when nothing is left to abort.
    mutating func abort() -> UInt8? {
        guard isConnected else { return nil }
        if isSending { sentEnds += 1 }
        isAborted = true
        return connection
    }

    /// BYE is about to go out: no new requests, on either side.
    mutating func sendBye() { isDraining = true }

    // MARK: Receiving

    enum RequestAction: Equatable {
        /// A connection has begun: it is to be carried out, or aborted.
        case begin
        /// It has crossed a BYE: it is to be aborted with `.draining`, by which the client knows that it was not served.
        case refuse
        /// The tunnel waits for our INCOMING.
        case park
    }

    mutating func receivedRequest(_ type: RequestType, _ cargo: Cargo) throws(Violation) -> RequestAction {
        guard (side == .client) == (type == .incoming) else { throw .wrongSide }
        if type == .incoming {
            guard isParked else { throw .notParked }
            isParked = false
        } else {
            guard isIdle, !isParked else { throw .notIdle }
        }
        if type == .park {
            isParked = true
            return .park
        }
        begin(cargo, isOurs: false)
        return isDraining ? .refuse : .begin
    }

    enum ResetAction: Equatable {
        /// It is of a connection that is over, or that we have aborted: the near end knows.
        case ignore
        /// The near end is told.
        ///
        /// - Parameters:
        ///   - isSignal: FIN came before: all bytes of the peer are there, and it takes no more of ours.
        ///   - answer: the connection that a RESET with code 0, which ends our segment, is to name; nil when it has ended.
        case end(isSignal: Bool, answer: UInt8?)
    }

    mutating func receivedReset(of connection: UInt8) -> ResetAction {
        var isSignal = false
        if isReceiving, connection == UInt8(truncatingIfNeeded: receivedEnds) {
            receivedEnds += 1
            guard receivedEnds == started else { return .ignore }
        } else if isSending, connection == self.connection {
            isSignal = true
        } else {
            return .ignore
        }
        guard !isAborted else { return .ignore }
        isAborted = true
        guard isSending else { return .end(isSignal: isSignal, answer: nil) }
        sentEnds += 1
        return .end(isSignal: isSignal, answer: connection)
    }

    enum ContentAction: Equatable {
        case deliver
        /// Of a connection that is over.
        case ignore
    }

    mutating func receivedOK() throws(Violation) -> ContentAction {
        guard isReceiving else { throw .noConnection }
        guard isLive else { return .ignore }
        guard isOurs, !isAnswered else { throw .okOutOfTurn }
        isAnswered = true
        return .deliver
    }

    /// DATA, DATAAT, DGRAM and PACKET.
    func received(_ type: MessageType) throws(Violation) -> ContentAction {
        guard isReceiving else { throw .noConnection }
        guard isLive else { return .ignore }
        guard !isOurs || isAnswered else { throw .beforeOK }
        guard carries(type) else { throw .notOfThisConnection }
        return .deliver
    }

    mutating func receivedFin() throws(Violation) -> ContentAction {
        guard isReceiving else { throw .noConnection }
        guard !isLive || !isOurs || isAnswered else { throw .beforeOK }
        defer { receivedEnds += 1 }
        return isLive ? .deliver : .ignore
    }

    /// ACK may follow the sender's own FIN, so it names its connection.
    func receivedAcknowledgement(of connection: UInt8) throws(Violation) -> ContentAction {
        guard started > 0, connection == self.connection, !isAborted else { return .ignore }
        guard carries(.ack) else { throw .notOfThisConnection }
        return .deliver
    }

    func receivedNeed() throws(Violation) {
        guard side == .client else { throw .wrongSide }
    }

    mutating func receivedBye() {
        isDraining = true
        peerDrains = true
    }

    private func carries(_ type: MessageType) -> Bool {
        switch type {
        case .data, .dataAt, .ack: cargo == .stream
        case .dgram: cargo == .datagrams
        case .packet: cargo == .packets
        case .nop, .fin, .reset, .ok, .ping, .pong, .rekey, .bye, .need, .request, .ignorable: false
        }
    }
}

extension TunnelLife.Cargo {
    /// What a request asks for.
    init(of request: RequestV2) {
        switch request.type {
        case .connect, .incoming, .resume: self = .stream
        case .associate: self = .datagrams
        case .network: self = .packets
        case .listen: self = request.body.options.listenKind == .udp ? .datagrams : .none
        case .park, .later: self = .none
        }
    }
}
