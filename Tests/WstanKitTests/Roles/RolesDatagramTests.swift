import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

/// UDP by SOCKS5 through both roles of version 2 (protocol-v2.md section 7.3).
@Suite(.serialized, .timeLimit(.minutes(1))) struct RolesDatagramTests {
    private final class Answers: @unchecked Sendable {
        var socket: DatagramSocket?
        var received: [[UInt8]] = []
    }

    @Test func `datagrams of up to 65,000 bytes go there and back`() async throws {
        try await WorkerThread.run { worker in
            let stage = try RolesStage(on: worker)
            defer { stage.close() }
            let echo = Answers()
            echo.socket = try DatagramSocket(Loopback.ipv4, on: worker) { bytes, sender in
                _ = echo.socket?.send(bytes, to: sender)
            }
            let target = Address(try #require(echo.socket).address)
            let control = try await stage.userAgent()
            control.write([5, 1, 0])
            _ = await control.take(2)
            control.write([5, 3, 0, 1, 0, 0, 0, 0, 0, 0])
            let reply = await control.take(10)
            #expect(reply[1] == 0)
            let relay = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: UInt16(reply[8]) << 8 | UInt16(reply[9]))
            let agent = Answers()
            agent.socket = try DatagramSocket(Loopback.ipv4, on: worker) { bytes, _ in
                agent.received.append(Array(bytes))
            }
            for (number, size) in [1, 1400, 65_000, 5, 30_000].enumerated() {
                let data = Loopback.pattern(size, seed: UInt64(size))
                let datagram = Socks5Datagram.encode(Datagram(address: target, data: data))
                _ = datagram.withUnsafeBytes { agent.socket?.send($0, to: relay) }
                await worker.until { agent.received.count > number }
                #expect(agent.received.last == datagram)
            }
            #expect(stage.server.reports(of: stage.server.tunnelNumbers[...]).map(\.carriesDatagrams) == [true])
            control.close()
            await worker.until { stage.server.totals.active == 0 }
            agent.socket?.close()
            echo.socket?.close()
        }
    }

    @Test func `a first datagram that is too long for a request follows on an empty tunnel`() async throws {
        try await WorkerThread.run { worker in
            let stage = try RolesStage(on: worker)
            defer { stage.close() }
            let sink = Answers()
            sink.socket = try DatagramSocket(Loopback.ipv4, on: worker) { bytes, _ in sink.received.append(Array(bytes))
            }
            let control = try await stage.userAgent()
            control.write([5, 1, 0])
            _ = await control.take(2)
            control.write([5, 3, 0, 1, 0, 0, 0, 0, 0, 0])
            let reply = await control.take(10)
            let relay = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: UInt16(reply[8]) << 8 | UInt16(reply[9]))
            let agent = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            let data = Loopback.pattern(65_000, seed: 3)
            let target = Address(try #require(sink.socket).address)
            _ = Socks5Datagram.encode(Datagram(address: target, data: data)).withUnsafeBytes {
                agent.send($0, to: relay)
            }
            await worker.until { !sink.received.isEmpty }
            #expect(sink.received == [data])
            control.close()
            agent.close()
            sink.socket?.close()
        }
    }
}
