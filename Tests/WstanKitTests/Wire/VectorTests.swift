import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct VectorTests {
    private static func authenticator(_ key: String) throws -> Authenticator {
        Authenticator(key: try #require(Vectors.keysByText[key]))
    }

    private static func nonce(_ hex: String) throws -> Nonce {
        try #require(Nonce(prefixOf: Hexadecimal(hex).bytes))
    }

    private static func stream(_ key: String, _ nonce: String?) throws -> KeyStream? {
        guard let nonce else { return nil }
        return KeyStream(key: try #require(Vectors.keysByText[key]), nonce: try self.nonce(nonce))
    }

    @Test func `the vectors are all there`() {
        #expect(Vectors.all.keys.count == 5)
        #expect(Vectors.all.requests.count == 40)
        #expect(Vectors.all.sessions.count == 3)
        #expect(Vectors.all.addresses.count == 7)
        #expect(Vectors.all.accept.count == 3)
    }

    @Test func `key texts become Python's binary keys and cookie names`() throws {
        for vector in Vectors.all.keys {
            let key = try #require(Vectors.keysByText[vector.key])
            #expect(key.bytes == Hexadecimal(vector.binary).bytes)
            if let name = vector.cookieName { #expect(CompatibleMode.cookieName(for: key) == name) }
        }
    }

    @Test func `requests are sealed as Python seals them, bit for bit`() throws {
        for vector in Vectors.all.requests {
            let sealer = Sealer(
                authenticator: try Self.authenticator(vector.key), stream: try Self.stream(vector.key, vector.nonce))
            let message =
                vector.udp
                ? sealer.seal(association: try vector.associationRequest())
                : sealer.seal(request: try vector.request())
            #expect(message == Hexadecimal(vector.message).bytes)
            #expect(Base64.encode(message, .url) == vector.path)
        }
    }

    @Test func `requests of Python are opened, and those for datagrams only where they are allowed`() throws {
        for vector in Vectors.all.requests {
            #expect((vector.nonce == nil) == vector.tls)
            var message = try #require(Base64.decode(Array(vector.path.utf8), .url))
            #expect(message == Hexadecimal(vector.message).bytes)
            var opener = Opener(
                authenticator: try Self.authenticator(vector.key), stream: try Self.stream(vector.key, vector.nonce))
            try message.withUnsafeMutableBytes { bytes in
                if vector.udp {
                    // It fails before it takes from the key stream.
                    var strict = Opener(
                        authenticator: try Self.authenticator(vector.key),
                        stream: try Self.stream(vector.key, vector.nonce))
                    var copy = Array(bytes)
                    copy.withUnsafeMutableBytes { copy in
                        _ = #expect(throws: WireError.unexpectedCommand) {
                            try strict.open(copy, endsMessage: true, expecting: .bytes)
                        }
                    }
                    let event = try opener.open(bytes, endsMessage: true, expecting: .request)
                    #expect(HeardMessages.Message(event) == .association(try vector.associationRequest()))
                } else {
                    let event = try opener.open(bytes, endsMessage: true, expecting: .request)
                    let request = try vector.request()
                    #expect(HeardMessages.Message(event) == .request(request))
                }
            }
        }
    }

    @Test func `as a connection's first message they read the same`() throws {
        for vector in Vectors.all.requests {
            let message = Hexadecimal(vector.message).bytes
            let authenticator = try Self.authenticator(vector.key)
            #expect(message.withUnsafeBytes { authenticator.isAuthentic($0) })
            var plain = Array(message.dropLast(Authenticator.tagSize))
            try Self.stream(vector.key, vector.nonce)?.apply(to: &plain)
            if vector.udp {
                #expect(try plain.withBytes(Opening.read) == .association(try vector.associationRequest()))
            } else {
                #expect(try plain.withBytes(Opening.read) == .request(try vector.request()))
            }
        }
    }

    /// Each direction is one key stream, so a byte too much or too little in any message spoils all that follow.
    @Test func `every message of every session is sealed as Python seals it`() throws {
        for session in Vectors.all.sessions {
            for (messages, nonce) in [(session.toServer, session.clientNonce), (session.toClient, session.serverNonce)]
            {
                let sealer = Sealer(
                    authenticator: try Self.authenticator(session.key), stream: try Self.stream(session.key, nonce))
                for vector in messages {
                    let expected = Hexadecimal(vector.message).bytes
                    switch vector.kind {
                    case .data:
                        #expect(sealer.seal(data: Hexadecimal(try #require(vector.data)).bytes) == expected)
                    case .request:
                        #expect(sealer.seal(request: try vector.request()) == expected)
                    case .reset:
                        let reset = try vector.reset()
                        let padding = expected.count - Authenticator.tagSize - reset.encoded(padding: 0).count
                        #expect((40...499).contains(padding))
                        #expect(sealer.seal(reset: reset, padding: padding) == expected)
                    case .datagram:
                        #expect(sealer.seal(datagram: try vector.datagram()) == expected)
                    }
                }
            }
        }
    }

    @Test(arguments: [1, 2, 7, 1 << 20])
    func `every message of every session is opened, in pieces of any size`(size: Int) throws {
        for session in Vectors.all.sessions {
            for (messages, nonce) in [(session.toServer, session.clientNonce), (session.toClient, session.serverNonce)]
            {
                var opener = Opener(
                    authenticator: try Self.authenticator(session.key), stream: try Self.stream(session.key, nonce))
                for vector in messages {
                    var heard = HeardMessages()
                    let message = Hexadecimal(vector.message).bytes
                    try heard.hear(message, piecesOf: size, &opener, expecting: .datagrams)
                    switch vector.kind {
                    case .data: #expect(heard.all == [.data(Hexadecimal(try #require(vector.data)).bytes)])
                    case .request: #expect(heard.all == [.request(try vector.request())])
                    case .reset: #expect(heard.all == [.reset(try vector.reset())])
                    case .datagram: #expect(heard.all == [.datagram(try vector.datagram())])
                    }
                    #expect(opener.heldBytes == 0)
                }
            }
        }
    }

    @Test func `addresses are encoded and read as Python does`() throws {
        for vector in Vectors.all.addresses {
            let address = Address(host: try #require(Host(text: vector.host)), port: vector.port)
            var bytes: [UInt8] = []
            address.encode(into: &bytes)
            #expect(bytes == Hexadecimal(vector.bytes).bytes)
            ReaderContract(read: Address.read).expect(address, from: bytes)
        }
    }

    @Test func `accept values and the server's nonces follow from the client's`() throws {
        for vector in Vectors.all.accept {
            let client = try Self.nonce(vector.clientNonce)
            #expect(client.base64 == vector.key)
            #expect(Nonce(base64: Array(vector.key.utf8)) == client)
            let accept = Nonce.accept(forKey: vector.key.utf8)
            #expect(Base64.encode(accept) == vector.accept)
            #expect(Nonce.ofServer(accept: accept) == (try Self.nonce(vector.serverNonce)))
            #expect(client.ofServerInCompatibleMode == (try Self.nonce(vector.compatibleServerNonce)))
        }
    }
}
