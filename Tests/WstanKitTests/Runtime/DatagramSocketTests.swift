import Testing

@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct DatagramSocketTests {
    static let places = Loopback.hasIPv6 ? [Loopback.ipv4, Loopback.ipv6] : [Loopback.ipv4]

    @Test(arguments: places)
    func `datagrams of every size come whole, with their sender`(place: SocketAddress) async throws {
        // The greatest there is over IPv4; over IPv6 there are twenty bytes more.
        let sizes = [0, 1, 1472, 9000, 65_507]
        let got = try await WorkerThread.run { worker in
            var got: [(Int, SocketAddress)] = []
            let receiver = try DatagramSocket(place, on: worker) { got.append(($0.count, $1)) }
            let sender = try DatagramSocket(place, on: worker) { _, _ in }
            for size in sizes {
                let bytes = [UInt8](repeating: 1, count: size)
                #expect(bytes.withUnsafeBytes { sender.send($0, to: receiver.address) })
                let before = got.count
                await worker.until { got.count > before }
            }
            let senders = Set(got.map(\.1))
            #expect(senders == [sender.address])
            receiver.close()
            sender.close()
            return got.map(\.0)
        }
        #expect(got == sizes)
    }

    @Test func `many at once are all taken`() async throws {
        let count = try await WorkerThread.run { worker in
            var count = 0
            let receiver = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in count += 1 }
            let sender = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            // More than one turn, and fewer than the kernel keeps.
            for _ in 0..<150 {
                [UInt8](repeating: 1, count: 100).withUnsafeBytes { _ = sender.send($0, to: receiver.address) }
            }
            await worker.until { count == 150 }
            receiver.close()
            sender.close()
            return count
        }
        #expect(count == 150)
    }

    @Test func `those that are read together keep their order, their senders and their lengths`() async throws {
        try await WorkerThread.run { worker in
            var got: [(bytes: [UInt8], sender: SocketAddress)] = []
            let receiver = try DatagramSocket(Loopback.ipv4, on: worker) { got.append((Array($0), $1)) }
            let senders = try (0..<2).map { _ in try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in } }
            // More than one call takes, the shortest and the longest behind each other.
            let sizes = [3, 0, 1472, 65_507, 1, 0, 9000] + Array(0..<20)
            let sent = sizes.enumerated().map { Loopback.pattern($1, seed: UInt64($0)) }
            for (number, bytes) in sent.enumerated() {
                #expect(bytes.withUnsafeBytes { senders[number % 2].send($0, to: receiver.address) })
            }
            await worker.until { got.count == sent.count }
            #expect(got.map(\.bytes) == sent)
            #expect(got.map(\.sender) == sent.indices.map { senders[$0 % 2].address })
            for socket in senders + [receiver] { socket.close() }
        }
    }

    @Test func `one that is closed by a datagram hands out none of those behind it`() async throws {
        let count = try await WorkerThread.run { worker in
            var count = 0
            var receiver: DatagramSocket?
            receiver = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in
                count += 1
                if count == 3 { receiver?.close() }
            }
            let place = try #require(receiver).address
            let sender = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            for _ in 0..<10 { [1].withUnsafeBytes { _ = sender.send($0, to: place) } }
            await worker.until { count >= 3 }
            await worker.settle()
            sender.close()
            receiver = nil
            return count
        }
        #expect(count == 3)
    }

    /// Each datagram of a flood is an event; turns that began with each of them once became more and more, until the
    /// worker did nothing else.
    @Test func `a flood has one turn in each round of the worker`() async throws {
        let most = try await WorkerThread.run { worker in
            var round = 0
            var most = 0
            let receiver = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in round += 1 }
            let sender = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            for _ in 0..<20 {
                round = 0
                for _ in 0..<300 { [1].withUnsafeBytes { _ = sender.send($0, to: receiver.address) } }
                await worker.yield()
                most = max(most, round)
            }
            receiver.close()
            sender.close()
            return most
        }
        // What has waited, and what an event brought.
        #expect(most <= 128)
    }

    @Test func `what cannot be sent is said at once`() async throws {
        let results = try await WorkerThread.run { worker in
            let sender = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            let tooLong = [UInt8](repeating: 1, count: 65_508).withUnsafeBytes { sender.send($0, to: sender.address) }
            let nowhere = [1].withUnsafeBytes { sender.send($0, to: sender.address.withPort(0)) }
            let otherFamily = [1].withUnsafeBytes { sender.send($0, to: Loopback.ipv6.withPort(9)) }
            sender.close()
            let closed = [1].withUnsafeBytes { sender.send($0, to: Loopback.ipv4.withPort(9)) }
            return [tooLong, nowhere, otherFamily, closed]
        }
        #expect(results == [false, false, false, false])
    }
}
