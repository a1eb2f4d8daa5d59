/// Finds out what a user agent speaks and where it wants to go. SOCKS4, SOCKS5 and HTTP share one port and differ in
/// their first byte; what is wrong is answered in the user agent's own protocol.
struct FrontDoor {
    enum Wish: Equatable {
        /// A connection, byte for byte.
        case connect(Connect)
        /// A way for datagrams, for as long as this connection stays (RFC 1928 section 7).
        case associate(Address)
    }

    struct Connect: Equatable {
        var target: Address
        /// What the user agent has sent behind its request.
        var early: [UInt8]
        /// The answer that tells it to go ahead.
        var grant: [UInt8]
    }

    private var intake: Intake
    private let deadline: Instant

    init(_ userAgent: Stream) {
        intake = Intake(userAgent)
        deadline = userAgent.worker.now + ClientLimits.negotiation
    }

    /// - Returns: nil when the user agent has had its answer, or has left.
    mutating func receive() async -> Wish? {
        while intake.bytes.isEmpty {
            guard await intake.readMore(deadline: deadline) == .more else { return nil }
        }
        switch intake.bytes[0] {
        case Socks5.version:
            return await receiveSocks5()
        case Socks4.version:
            return await receiveSocks4()
        case UInt8(ascii: "A")...UInt8(ascii: "Z"):
            return await receiveHTTP()
        default:
            return nil
        }
    }

    // MARK: SOCKS

    private mutating func receiveSocks4() async -> Wish? {
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
        return .connect(Connect(target: request.target, early: intake.bytes, grant: Socks4.granted))
    }

    private mutating func receiveSocks5() async -> Wish? {
        do {
            let greeting = try await readMessage { (reader) throws(Socks5.Failure) in try Socks5.readGreeting(&reader) }
            guard let methods = greeting else { return nil }
            guard methods.contains(Socks5.Method.none) else {
                refuse(Socks5.methodSelection(Socks5.Method.notAcceptable))
                return nil
            }
            intake.stream.write(Socks5.methodSelection(Socks5.Method.none))
            let read = try await readMessage { (reader) throws(Socks5.Failure) in try Socks5.readRequest(&reader) }
            return read.flatMap { wish(of: $0) }
        } catch {
            switch error {
            case .malformed: refuse(Socks5.reply(.generalFailure))
            case .unknownAddressType: refuse(Socks5.reply(.addressTypeNotSupported))
            }
            return nil
        }
    }

    private func wish(of request: Socks5.Request) -> Wish? {
        switch Socks5.Command(rawValue: request.command) {
        case .connect:
            return .connect(Connect(target: request.target, early: intake.bytes, grant: Socks5.reply(.succeeded)))
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
            var used = 0
            let message = try intake.bytes.withBytes { (bytes) throws(Failure) in
                var reader = ByteReader(bytes)
                defer { used = reader.position }
                return try read(&reader)
            }
            if let message {
                intake.bytes.removeFirst(used)
                return message
            }
            guard await intake.readMore(deadline: deadline) == .more else { return nil }
        }
    }

    // MARK: HTTP

    private mutating func receiveHTTP() async -> Wish? {
        let head: HTTPHead
        do {
            guard
                case .success(let read) = try await intake.readHead(limit: ClientLimits.requestHead, deadline: deadline)
            else { return nil }
            head = read
        } catch {
            switch error {
            case .malformed: refuseHTTP(400, "Bad Request", "This is a proxy, and that was no HTTP request.")
            case .tooLarge: refuseHTTP(431, "Request Header Fields Too Large", "The head of the request is too long.")
            }
            return nil
        }
        guard let line = head.requestLine else {
            refuseHTTP(400, "Bad Request", "The request line cannot be read.")
            return nil
        }
        guard line.method.elementsEqual("CONNECT".utf8) else {
            refuseHTTP(
                501, "Not Implemented",
                "This proxy takes CONNECT and SOCKS5. Set it as the SOCKS5 host, or for https:// addresses only.")
            return nil
        }
        guard let target = Address(authority: String(decoding: line.target, as: UTF8.self)) else {
            refuseHTTP(400, "Bad Request", "CONNECT takes host:port, or [IPv6 address]:port.")
            return nil
        }
        let grant = Array("HTTP/1.1 200 Connection Established\r\n\r\n".utf8)
        return .connect(Connect(target: target, early: intake.bytes, grant: grant))
    }

    private func refuseHTTP(_ status: Int, _ reason: String, _ text: String) {
        let text = text + "\n"
        refuse(
            Array(
                """
                HTTP/1.1 \(status) \(reason)\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Length: \(text.utf8.count)\r
                Connection: close\r
                \r
                \(text)
                """.utf8))
    }

    private func refuse(_ answer: [UInt8]) {
        intake.stream.write(answer)
        intake.stream.closeOrderly(awaitingPeer: true)
    }
}
