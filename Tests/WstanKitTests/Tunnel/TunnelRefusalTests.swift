import Testing

@testable import WstanCore

/// What a tunnel says to peers that break the rules, however their bytes come.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelRefusalTests {
    struct Offence: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let role: WebSocketRole
        let code: UInt16
        let refused: [WireError]
        let bytes: @Sendable (RawPeer) -> [UInt8]

        init(
            _ name: String, to role: WebSocketRole, _ code: UInt16, _ refused: [WireError] = [],
            bytes: @escaping @Sendable (RawPeer) -> [UInt8]
        ) {
            testDescription = "\(name), to a \(role)"
            self.role = role
            self.code = code
            self.refused = refused
            self.bytes = bytes
        }
    }

    private static func spoilt(_ bytes: [UInt8]) -> [UInt8] {
        bytes.dropLast() + [(bytes.last ?? 0) ^ 1]
    }

    /// A message with that command byte and a good tag, of whatever size.
    private static func sealed(_ peer: RawPeer, _ command: UInt8, _ body: [UInt8]) -> [UInt8] {
        let bytes = peer.sealer.encrypted([command] + body)
        let authenticator = TunnelSecrets(usesCipher: true).key.map { Authenticator(key: $0) }
        let tag = authenticator.map { authenticator in bytes.withUnsafeBytes { authenticator.tag(over: $0) } }
        return bytes + (tag ?? [])
    }

    static let offences: [Offence] = [
        // RFC 6455.
        Offence("text", to: .server, 3000) { $0.frame(.text, [65]) },
        Offence("text", to: .client, 3000) { $0.frame(.text, [65]) },
        Offence("a frame without a mask", to: .server, 1002) { _ in
            RawFrame(opcode: 2, payload: [1], mask: nil).bytes
        },
        Offence("a frame with a mask", to: .client, 1002) { _ in RawFrame(opcode: 2, payload: [1]).bytes },
        Offence("reserved bits", to: .server, 1002) { _ in RawFrame(opcode: 2, reserved: 4).bytes },
        Offence("an unknown opcode", to: .server, 1002) { _ in RawFrame(opcode: 5).bytes },
        Offence("a long ping", to: .server, 1002) {
            $0.frame(.ping, [UInt8](repeating: 0, count: 126))
        },
        Offence("a continuation of nothing", to: .server, 1002) { $0.frame(.continuation, [1]) },
        Offence("a message within a message", to: .server, 1002) {
            $0.message($0.request()) + $0.frame(.binary, $0.data([1]), isFinal: false) + $0.frame(.binary, [1])
        },
        Offence("a close code that must not be sent", to: .server, 1002) { $0.frame(.close, [0x03, 0xed]) },
        Offence("half a close code", to: .server, 1002) { $0.frame(.close, [3]) },
        // Messages that are none.
        Offence("an empty message", to: .server, 3000, [.malformed]) { $0.message([]) },
        Offence("an unknown command", to: .server, 3000, [.malformed]) { $0.message(sealed($0, 9, [1, 2])) },
        Offence("a datagram without a tag", to: .server, 3000, [.badAuthentication]) {
            $0.message($0.sealer.seal(datagram: Datagram(address: TunnelPair.target, data: [1, 2, 3])))
        },
        Offence("a datagram within a connection", to: .server, 3000, [.unexpectedCommand]) {
            $0.message($0.request())
                + $0.message($0.sealer.seal(datagram: Datagram(address: TunnelPair.target, data: [1])))
        },
        Offence("a request for datagrams within a connection", to: .server, 3000, [.unexpectedCommand]) {
            let first = Datagram(address: TunnelPair.target, data: [1])
            return $0.message($0.request())
                + $0.message($0.sealer.seal(association: AssociationRequest(time: 1_763_683_200, first: first)))
        },
        Offence("a datagram", to: .client, 3000, [.unexpectedCommand]) { $0.message(sealed($0, 3, [0, 1])) },
        Offence("a request with a wrong tag", to: .server, 3000, [.badAuthentication]) {
            $0.message(spoilt($0.request()))
        },
        Offence("a request shorter than a tag", to: .server, 3000, [.badAuthentication]) {
            $0.message(Array($0.request().prefix(9)))
        },
        Offence("a request with a good tag and no address", to: .server, 3000, [.malformed]) {
            $0.message(sealed($0, 0, [0x41, 0xda, 0x47, 0xea, 0xe0, 0, 0, 0, 0, 1, 127]))
        },
        Offence("a request whose time is no number", to: .server, 3000, [.malformed]) {
            $0.message($0.request(time: .nan))
        },
        Offence("a request", to: .client, 3000, [.unexpectedCommand]) { $0.message($0.request()) },
        Offence("a reset with a wrong tag", to: .server, 3000, [.badAuthentication]) {
            $0.message($0.request()) + $0.message(spoilt($0.sealer.seal(reset: .normal, padding: 40)))
        },
        Offence("a reset above its bound", to: .server, 3000, [.tooLarge]) {
            $0.message(sealed($0, 2, [UInt8](repeating: 32, count: WireLimits.reset)))
        },
        // What comes out of turn.
        Offence("data that nobody asked for", to: .server, 3001) { $0.message($0.data([1])) },
        Offence("data that nobody asked for", to: .client, 3001) { $0.message($0.data([1])) },
        Offence("a reset of nothing", to: .server, 3001) { $0.message($0.sealer.seal(reset: .normal, padding: 40)) },
        Offence("a reset of nothing", to: .client, 3001) { $0.message($0.sealer.seal(reset: .normal, padding: 40)) },
        Offence("a request within a connection", to: .server, 3001) {
            $0.message($0.request()) + $0.message($0.request())
        },
        // Not an offence: it is answered in kind.
        Offence("an orderly end", to: .server, 1000) { $0.frame(.close, [3, 0xe8]) },
        Offence("an end without a code", to: .client, 1000) { $0.frame(.close, []) },
        Offence("an end with a code of its own", to: .server, 4000) {
            $0.frame(.close, [0x0f, 0xa0] + Array("why".utf8))
        },
    ]

    @Test(arguments: offences, [false, true])
    func `every offence ends the tunnel with its code`(offence: Offence, dripped: Bool) async throws {
        let (heard, refused, ended, held) = try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: offence.role, on: worker)
            var bytes = offence.bytes(peer)
            // Dripping eight kilobytes shows nothing that a hundred bytes do not.
            if dripped, bytes.count > 1000 {
                await peer.send(Array(bytes.dropLast(100)))
                bytes = bytes.suffix(100)
            }
            await peer.send(bytes, dripped: dripped)
            let heard = try await peer.everything()
            return (heard, peer.owner.refused, peer.owner.endedCount, worker.budget.held)
        }
        #expect(heard.all.last == .close(offence.code))
        #expect(heard.all.count { if case .close = $0 { true } else { false } } == 1)
        #expect(refused == offence.refused)
        #expect(ended == 1)
        #expect(held == 0)
    }

    /// The length that a frame claims costs nothing, and a message is refused before it is held.
    @Test func `a reset that claims to be endless is refused at its bound`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            let start = peer.sealer.encrypted([Command.reset.rawValue])
            let payload = start + [UInt8](repeating: 0, count: WireLimits.reset - 1)
            let frame = RawFrame(
                opcode: 2, payload: payload, lengthForm: .sixtyFourBits, claimedLength: UInt64(Int64.max)
            ).bytes
            await peer.send(frame)
            #expect(worker.budget.held == WireLimits.reset)
            #expect(peer.owner.refused == [])
            await peer.send([0])
            #expect(peer.owner.refused == [.tooLarge])
            let heard = try await peer.everything()
            #expect(heard.all == [.close(CloseCode.badMessage)])
            #expect(worker.budget.held == 0)
        }
    }

    @Test func `a request that the owner refuses ends the tunnel`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            peer.owner.refusal = .expired(seconds: 61)
            await peer.send(peer.message(peer.request()))
            let heard = try await peer.everything()
            #expect(heard.all == [.close(CloseCode.badMessage)])
            #expect(peer.owner.refused == [.expired(seconds: 61)])
            #expect(peer.owner.served.isEmpty)
        }
    }

    // MARK: Honest peers

    @Test(arguments: [false, true], [false, true])
    func `pings are answered in every state and within a message`(dripped: Bool, usesCipher: Bool) async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker, usesCipher: usesCipher)
            let request = peer.request([1, 2, 3])
            let bytes =
                peer.frame(.ping, []) + peer.frame(.binary, Array(request.prefix(5)), isFinal: false)
                + peer.frame(.ping, [1]) + peer.frame(.continuation, Array(request.dropFirst(5)))
                + peer.frame(.ping, [UInt8](repeating: 7, count: 125)) + peer.frame(.pong, [9])
            await peer.send(bytes, dripped: dripped)
            // RFC 6455 section 5.5.3: of pings that come together the last one is enough.
            let pongs = [HeardFrames.Event.pong([]), .pong([1]), .pong([UInt8](repeating: 7, count: 125))]
            let heard = try await peer.frames(dripped ? 3 : 1)
            #expect(heard.all == pongs.suffix(dripped ? 3 : 1))
            #expect(peer.owner.served.map(\.request.data) == [[1, 2, 3]])
            peer.tunnel.close(CloseCode.goingAway)
            #expect(try await peer.everything().all == [.close(CloseCode.goingAway)])
            #expect(worker.budget.held == 0)
        }
    }

    @Test(arguments: [false, true])
    func `an empty DAT is answered once the target has answered, and at once from then on`(dripped: Bool) async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            await peer.send(peer.message(peer.request()) + peer.message(peer.data([])), dripped: dripped)
            let connection = try #require(peer.owner.served.first?.connection)
            let target = try await Loopback.pair(on: worker)
            #expect(peer.tunnel.connected(connection, to: target.near))
            var heard = try await peer.frames(1)
            #expect(try peer.messages(heard).all == [.emptyData])
            await peer.send(peer.message(peer.data([])), dripped: dripped)
            let again = try await peer.frames(1)
            #expect(again.all.count == 1)
            // While the tunnel awaits the reset, and when it is idle, nobody is there to answer.
            peer.tunnel.end(connection, .normal)
            await peer.send(peer.message(peer.data([])) + peer.message(peer.data([1])), dripped: dripped)
            await peer.send(peer.message(peer.sealer.seal(reset: .normal, padding: 41)), dripped: dripped)
            #expect(peer.tunnel.isIdle)
            await peer.send(peer.message(peer.data([])), dripped: dripped)
            #expect(peer.tunnel.isIdle)
            peer.tunnel.close(CloseCode.normal)
            heard = try await peer.everything()
            #expect(heard.all.count == 2)
            #expect(heard.all.last == .close(CloseCode.normal))
        }
    }

    @Test func `an empty DAT is the server's word, and no data`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .client, on: worker)
            let connection = Connection(worker: worker, end: nil, replay: [1])
            peer.tunnel.carry(connection)
            await peer.send(peer.message(peer.data([])))
            #expect(connection.hasReceived)
            #expect(connection.replay == nil)
            peer.tunnel.close(CloseCode.normal)
            _ = try await peer.everything()
            #expect(connection.outcome == .lost(nothingReceived: false))
        }
    }

    /// A peer that pings, or asks, and never reads must not make the tunnel hold its answers.
    @Test func `one who asks without end and does not read costs nothing`() async throws {
        try await WorkerThread.run { worker in
            let peer = try await RawPeer(to: .server, on: worker)
            await peer.send(peer.message(peer.request()))
            let connection = try #require(peer.owner.served.first?.connection)
            let target = try await Loopback.pair(on: worker)
            #expect(peer.tunnel.connected(connection, to: target.near))
            let relay = worker.spawn { _ = await peer.tunnel.sendLoop(connection, from: target.near) }
            let stream = peer.tunnel.stream
            while stream.pendingCount == 0 {
                target.far.write([UInt8](repeating: 7, count: 1 << 20))
                await worker.until { target.far.pendingCount == 0 || stream.pendingCount > 0 }
            }
            await worker.settle()
            let before = stream.pendingCount
            for _ in 0..<500 {
                await peer.send(peer.frame(.ping, [UInt8](repeating: 1, count: 125)) + peer.message(peer.data([])))
            }
            #expect(stream.pendingCount <= before)
            #expect(before <= Scratch.bodySize + FrameHead.maxSize + 1)
            stream.close()
            await relay.value
            target.far.close()
            _ = try await peer.everything()
            #expect(peer.owner.endedCount == 1)
            #expect(connection.outcome == .lost(nothingReceived: false))
            target.near.close()
            #expect(worker.budget.held == 0)
        }
    }
}
