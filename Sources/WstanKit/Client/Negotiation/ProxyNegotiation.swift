import WstanBase

/// Finds out what a user agent speaks and where it wants to go. SOCKS4, SOCKS5 and HTTP share one port and differ in
/// their first byte; what is wrong is answered in the user agent's own protocol.
struct ProxyNegotiation {
    enum Command: Equatable {
        /// A connection, byte for byte.
        case connect(Connect)
        /// Plain HTTP: a request that names its target, and perhaps more of them.
        case request(HTTPRequest)
        /// A way for datagrams, for as long as this connection stays (RFC 1928 section 7).
        case associate(Address)
    }

    struct Connect: Equatable {
        var target: Address
        /// What the user agent has sent behind its request.
        var early: [UInt8]
        /// The answer that tells it to go ahead.
        var successReply: [UInt8]
        /// How it is told no.
        var reply = ConnectReply.none
        /// It wants to wait for the outcome, as `wstand --stdio` does.
        var wantsOutcome = false
    }

    struct HTTPRequest: Equatable {
        /// Of the first request.
        var head: HTTPHead
        /// What came behind it.
        var rest: [UInt8]
    }

    private var intake: BufferedReader
    private let deadline: Instant
    private let rules: ClientAccess?
    /// Of what the user agent has sent; nil: nothing.
    private(set) var firstByte: UInt8?
    /// What a user agent that is not served was answered.
    private(set) var refusal: [UInt8]?

    /// - Parameters:
    ///   - rules: who may come in; nil: everybody.
    ///   - place: among those that have not said what they want; the caller leaves it.
    init(_ userAgent: Stream, rules: ClientAccess? = nil, at place: HandshakePlace? = nil) {
        intake = BufferedReader(userAgent, at: place)
        deadline = userAgent.worker.now + ClientLimits.negotiation
        self.rules = rules
    }

    /// - Returns: nil when the user agent has had its answer, or has left.
    mutating func receive() async -> Command? {
        while intake.bytes.isEmpty {
            guard await intake.readMore(deadline: deadline) == .more else { return nil }
        }
        firstByte = intake.bytes[0]
        // Before a password, or anything else, is looked at.
        let isAdmitted = rules?.admits(intake.stream) ?? true
        switch intake.bytes[0] {
        case Socks5.version:
            if isAdmitted { return await receiveSocks5() }
            refuse(Socks5.methodSelection(Socks5.Method.notAcceptable))
        case Socks4.version:
            // It has no passwords.
            if isAdmitted, rules?.passwords == nil { return await receiveSocks4() }
            refuse(Socks4.rejected)
        // A method is a token, in whatever case; an empty line may come before it.
        case 0x21...0x7e, 13, 10:
            if isAdmitted { return await receiveHTTP() }
            await turnAwayHTTP()
        default:
            break
        }
        return nil
    }

    // MARK: SOCKS

    private mutating func receiveSocks4() async -> Command? {
        let request: Socks4.Request
        do {
            let read = try await readMessage { (reader) throws(Socks4.Failure) in try Socks4.readRequest(&reader) }
            guard let read else { return nil }
            request = read
        } catch {
            refuse(Socks4.rejected)
            return nil
        }
        guard Socks4.Command(rawValue: request.command) == .connect else {
            refuse(Socks4.rejected)
            return nil
        }
        return .connect(
            Connect(target: request.target, early: intake.bytes, successReply: Socks4.granted, reply: .socks4))
    }

    private mutating func receiveSocks5() async -> Command? {
        do {
            let greeting = try await readMessage { (reader) throws(Socks5.Failure) in try Socks5.readGreeting(&reader) }
            guard let methods = greeting else { return nil }
            guard let method = acceptable(methods) else {
                refuse(Socks5.methodSelection(Socks5.Method.notAcceptable))
                return nil
            }
            intake.stream.write(Socks5.methodSelection(method))
            if method == Socks5.Method.password, await !givesPassword() { return nil }
            let read = try await readMessage { (reader) throws(Socks5.Failure) in try Socks5.readRequest(&reader) }
            guard let request = read else { return nil }
            return command(of: request)
        } catch {
            switch error {
            case .malformed: refuse(Socks5.reply(.generalFailure))
            case .unknownAddressType: refuse(Socks5.reply(.addressTypeNotSupported))
            }
            return nil
        }
    }

    /// Where no password is asked for, a user agent that offers nothing else may give one all the same; it is not
    /// looked at.
    private func acceptable(_ methods: [UInt8]) -> UInt8? {
        let ours = rules?.passwords == nil ? [Socks5.Method.none, Socks5.Method.password] : [Socks5.Method.password]
        return ours.first(where: methods.contains)
    }

    /// The negotiation of RFC 1929.
    private mutating func givesPassword() async -> Bool {
        do {
            let read = try await readMessage { (reader) throws(Socks5.Failure) in
                try Socks5Password.readRequest(&reader)
            }
            guard let request = read else { return false }
            let verdict = await rules?.verdict(request.name, request.password, of: intake.stream) ?? .right
            guard verdict == .right else {
                refuse(Socks5Password.refused)
                return false
            }
            intake.stream.write(Socks5Password.accepted)
            return true
        } catch {
            refuse(Socks5Password.refused)
            return false
        }
    }

    private mutating func command(of request: Socks5.Request) -> Command? {
        switch Socks5.Command(rawValue: request.command) {
        case .connect:
            return .connect(
                Connect(
                    target: request.target, early: intake.bytes, successReply: Socks5.reply(.succeeded), reply: .socks5)
            )
        case .associate:
            return .associate(request.target)
        case .bind, nil:
            refuse(Socks5.reply(.commandNotSupported))
            return nil
        }
    }

    /// - Returns: nil when the user agent has left before the end of its message.
    private mutating func readMessage<T, Failure: Error>(
        _ read: (inout ByteReader) throws(Failure) -> T?
    ) async throws(Failure) -> T? {
        while true {
            if let message = try intake.bytes.consume(read) { return message }
            guard await intake.readMore(deadline: deadline) == .more else { return nil }
        }
    }

    // MARK: HTTP

    private mutating func receiveHTTP() async -> Command? {
        let head: HTTPHead
        do {
            guard
                case .success(let read) = try await intake.readHead(limit: ClientLimits.requestHead, deadline: deadline)
            else { return nil }
            head = read
        } catch {
            refuse(.request(.unreadable(error)))
            return nil
        }
        // Each request is asked for its password, and a user agent that has none may try again: a matter for a session.
        guard Self.isConnect(head), rules?.passwords == nil else {
            return .request(HTTPRequest(head: head, rest: intake.bytes))
        }
        guard let request = Self.connect(head, early: intake.bytes) else {
            refuse(.request(.connectTarget))
            return nil
        }
        return .connect(request)
    }

    static func isConnect(_ head: HTTPHead) -> Bool {
        head.requestLine?.method.elementsEqual("CONNECT".utf8) ?? false
    }

    /// - Returns: nil when it does not say where to.
    static func connect(_ head: HTTPHead, early: [UInt8]) -> Connect? {
        // RFC 9110 section 9.3.6: the port is neither missing nor invalid.
        guard let line = head.requestLine,
            let target = Address(authority: String(decoding: line.target, as: UTF8.self)), target.port > 0
        else { return nil }
        let successReply = Array("HTTP/1.1 200 Connection Established\r\n\r\n".utf8)
        return Connect(
            target: target, early: early, successReply: successReply,
            reply: .http(asHTML: AcceptHeader(head).takesHTML),
            // RFC 7240 section 4.3. How long it would wait does not matter: the outcome has a bound of its own.
            wantsOutcome: head.listItems(of: "Prefer")?.contains { $0.starts(with: "wait".utf8) } ?? false)
    }

    /// The head is read for the form of the answer only.
    private mutating func turnAwayHTTP() async {
        switch try? await intake.readHead(limit: ClientLimits.requestHead, deadline: deadline) {
        case .success(let head): refuse(.notAdmitted, asHTML: AcceptHeader(head).takesHTML, toHEAD: head.isHEAD)
        case .failure: break
        case nil: refuse(.notAdmitted)
        }
    }

    private mutating func refuse(_ failure: ExchangeFailure, asHTML: Bool = false, toHEAD: Bool = false) {
        let here = intake.stream.localAddress?.description ?? "this address"
        let page = ExplanationPage(failure.explanation(of: nil, here: here), target: nil, hasProxy: false)
        refuse(page.answer(asHTML: asHTML, toHEAD: toHEAD, closing: true))
    }

    private mutating func refuse(_ answer: [UInt8]) {
        refusal = answer
        intake.stream.write(answer)
        intake.stream.closeOrderly(awaitingPeer: true)
    }
}
