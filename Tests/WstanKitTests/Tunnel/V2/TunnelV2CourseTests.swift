import Testing

@testable import WstanBase
@testable import WstanCore

/// Any course of a tunnel of version 2: a peer that holds the keys says what comes to its mind, while the owner begins, answers
/// and ends connections. Nothing traps, nothing stays held, and the owner is told once of each end.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TunnelV2CourseTests {
    private static let addresses: [AddressV2] = [
        .none, .ipv4(IPv4Address(1), port: 2), .name("a.test", port: 3), .name("1.2.3", port: 4), .unix([47]),
    ]

    /// The plaintext of a message, as a rule a well-formed one.
    private static func plaintext(_ random: inout SeededRandomness) -> [UInt8] {
        let data = random.bytes(random.below(40))
        let code = ResetCode.allCases[random.below(ResetCode.allCases.count)]
        let number = UInt8(random.below(3))
        let body = RequestBody(address: addresses[random.below(addresses.count)], data: data)
        return data.withUnsafeBytes { bytes in
            switch random.below(16) {
            case 0, 1: MessageV2.data(bytes).encoded(padding: random.below(2) == 0 ? nil : 9)
            case 2: MessageV2.fin(bytes).encoded()
            case 3, 4: MessageV2.reset(ResetV2(connection: number, code: code, text: "x")).encoded()
            case 5: MessageV2.ok(body).encoded()
            case 6: MessageV2.ping(7).encoded()
            case 7: MessageV2.pong(7).encoded()
            case 8: MessageV2.rekey.encoded()
            case 9: random.below(8) == 0 ? MessageV2.bye(Bye(code: code)).encoded() : MessageV2.nop.encoded()
            case 10: MessageV2.request(RequestV2(.connect, body)).encoded()
            case 11: MessageV2.request(RequestV2(.associate)).encoded()
            case 12: MessageV2.request(RequestV2([.listen, .resume, .network, .later(0x1f)][random.below(4)])).encoded()
            case 13: [0x0b, 0, 8, 1, 1, 2, 3, 4, 0, 5, 9]
            case 14: MessageV2.ack(Acknowledgement(connection: number, offset: 1)).encoded()
            default: [UInt8(random.below(256))] + data
            }
        }
    }

    @Test(arguments: [WebSocketRole.client, .server], 0..<60 as Range<UInt64>)
    func `any course ends with everything given back`(role: WebSocketRole, seed: UInt64) async throws {
        try await WorkerThread.run { worker in
            var random = SeededRandomness(seed: seed)
            let peer = try await RawPeerV2(to: role, on: worker)
            var connections: [Connection] = []
            for _ in 0..<60 where !peer.tunnel.isClosing {
                for _ in 0...random.below(3) { peer.stream.write(peer.frame(peer.record(Self.plaintext(&random)))) }
                await worker.settle()
                if role == .client, peer.tunnel.isIdle, random.below(2) == 0 {
                    let connection = Connection(worker: worker, end: ScriptedEnd(on: worker), to: TunnelPair.target)
                    peer.tunnel.request(Request(time: 0, target: TunnelPair.target, data: [1]), for: connection)
                    connections.append(connection)
                }
                if role == .server { connections = peer.owner.served.map(\.connection) }
                guard let connection = connections.last else { continue }
                switch random.below(6) {
                case 0: _ = peer.tunnel.connected(connection, to: ScriptedEnd(on: worker))
                case 1: _ = peer.tunnel.finish(connection)
                case 2: peer.tunnel.end(connection, [.normal, .targetBroken, .idle][random.below(3)])
                case 3: peer.tunnel.send([1, 2, 3], for: connection)
                case 4: peer.tunnel.endAssociation()
                default: break
                }
            }
            peer.tunnel.close(CloseCode.normal)
            _ = await peer.stream.readAll()
            peer.stream.close()
            await worker.until { peer.owner.endedCount == 1 }
            #expect(peer.tunnel.connection == nil && peer.tunnel.association == nil)
            for connection in connections { connection.abandon() }
            #expect(worker.budget.held == 0 && worker.budget.stuck == 0)
        }
    }
}
