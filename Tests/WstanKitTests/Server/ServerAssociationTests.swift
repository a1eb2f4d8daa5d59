import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@Suite(.serialized, .timeLimit(.minutes(1))) struct ServerAssociationTests {
    /// A tunnel with a real association at its server's end, and the client's end of it.
    private struct Fixture {
        let pair: TunnelPair
        let client = RecordingDatagramEnd()

        let recorder: RefusalRecorder

        init(
            on worker: Worker, rules: TargetRules = .open, patience: Duration = .seconds(300), isAccepted: Bool = true
        ) async throws {
            pair = try await TunnelPair(on: worker, usesCipher: true)
            let resolver = Resolver(pool: BlockingPool())
            let gate = TargetPolicy(worker: worker, rules: rules, hostAddresses: HostAddresses())
            let recorder = RefusalRecorder(worker: worker, log: .silent)
            self.recorder = recorder
            pair.serverOwner.makeAssociation = {
                let client = ClientAddress(ipv4: IPv4Address(0xc000_0201), port: 1)
                let rights = ServerAssociation.Rights(isAccepted: { isAccepted }, mayOpen: { true })
                return ServerAssociation(
                    on: $0, for: client, with: rights, policy: gate, resolver: resolver, recorder: recorder, log: .silent,
                    patience: patience)
            }
        }

        func open(_ first: Datagram) {
            pair.client.request(first, time: 1_763_683_200, for: client)
        }

        func answers(_ count: Int) async -> [Datagram] {
            await pair.worker.until { client.delivered.count >= count }
            return client.delivered
        }
    }

    /// A target that answers everything with the same, twice.
    private static func target(on worker: Worker, _ place: SocketAddress = Loopback.ipv4) throws -> DatagramSocket {
        let reference = Reference()
        let socket = try DatagramSocket(place, on: worker) { bytes, sender in
            _ = reference.socket?.send(bytes, to: sender)
        }
        reference.socket = socket
        return socket
    }

    private final class Reference {
        weak var socket: DatagramSocket?
    }

    @Test func `every target answers under its own address, from one port of ours`() async throws {
        let places = DatagramSocketTests.places
        let (senders, expected) = try await WorkerThread.run { worker in
            let fixture = try await Fixture(on: worker)
            let targets = try (0..<3).flatMap { _ in try places.map { try Self.target(on: worker, $0) } }
            fixture.open(Datagram(address: Address(targets[0].address), data: [0]))
            for (number, target) in targets.enumerated().dropFirst() {
                #expect(fixture.pair.client.send(Datagram(address: Address(target.address), data: [UInt8(number)])))
            }
            let answers = await fixture.answers(targets.count)
            await fixture.pair.close()
            let expected = targets.map { Address($0.address) }
            for target in targets { target.close() }
            return (answers.sorted { $0.data[0] < $1.data[0] }.map(\.address), expected)
        }
        #expect(senders == expected)
    }

    /// 65,510 bytes fit into a message, and into no datagram of IPv4.
    @Test func `of several in one read each goes its way, and one that the kernel does not take is lost alone`() async throws {
        let answers = try await WorkerThread.run { worker in
            let fixture = try await Fixture(on: worker)
            let target = try Self.target(on: worker)
            fixture.open(Datagram(address: Address(target.address), data: [0]))
            _ = await fixture.answers(1)
            for data in [[1], [UInt8](repeating: 9, count: 65_510), [2], [3]] {
                _ = fixture.pair.client.send(Datagram(address: Address(target.address), data: data))
            }
            let answers = await fixture.answers(4)
            await fixture.pair.close()
            target.close()
            return answers.map(\.data)
        }
        #expect(answers == [[0], [1], [2], [3]])
    }

    @Test func `names are looked up once for all that waits, each datagram keeping its port`() async throws {
        let answers = try await WorkerThread.run { worker in
            let fixture = try await Fixture(on: worker)
            // "localhost" may mean either.
            let targets = try DatagramSocketTests.places.map { try Self.target(on: worker, $0) }
            let ports = targets.map(\.address.port)
            let name = Host.name("localhost")
            fixture.open(Datagram(address: Address(host: name, port: ports[0]), data: [0]))
            for number in 1..<20 {
                for port in ports {
                    _ = fixture.pair.client.send(
                        Datagram(address: Address(host: name, port: port), data: [UInt8(number)]))
                }
            }
            let answers = await fixture.answers(19)
            await fixture.pair.close()
            for target in targets { target.close() }
            return answers.map { Int($0.data[0]) }
        }
        #expect(Set(answers).isSuperset(of: 1..<20))
    }

    @Test func `what comes from a host that nothing was sent to is dropped`() async throws {
        let delivered = try await WorkerThread.run { worker in
            let fixture = try await Fixture(on: worker)
            var ours: SocketAddress?
            let target = try DatagramSocket(Loopback.ipv4, on: worker) { ours = $1 }
            fixture.open(Datagram(address: Address(target.address), data: [1]))
            await worker.until { ours != nil }
            // The same host from another port, as TFTP does it; then another host.
            let sibling = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in }
            let stranger = try DatagramSocket(.ipv4(IPv4Address(0x7f00_0002), port: 0), on: worker) { _, _ in }
            let here = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: ours?.port ?? 0)
            for (data, sender) in [([UInt8(8)], stranger), ([7], sibling)] {
                data.withUnsafeBytes { _ = sender.send($0, to: here) }
            }
            let delivered = await fixture.answers(1)
            await worker.settle()
            await fixture.pair.close()
            for socket in [target, sibling, stranger] { socket.close() }
            return delivered.map(\.data) + fixture.client.delivered.dropFirst().map(\.data)
        }
        #expect(delivered == [[7]])
    }

    @Test func `an unknown name costs its datagrams and nothing else`() async throws {
        let answers = try await WorkerThread.run { worker in
            let fixture = try await Fixture(on: worker)
            let target = try Self.target(on: worker)
            fixture.open(Datagram(address: Address(host: .name("no.such.name.invalid"), port: 9), data: [1]))
            _ = fixture.pair.client.send(Datagram(address: Address(target.address), data: [2]))
            let answers = await fixture.answers(1)
            await fixture.pair.close()
            #expect(worker.budget.held == 0)
            target.close()
            return answers.map(\.data)
        }
        #expect(answers == [[2]])
    }

    @Test func `every datagram is asked about, by address and by name`() async throws {
        let (answers, rejects) = try await WorkerThread.run { worker in
            let targets = try (0..<2).map { _ in try Self.target(on: worker) }
            let ports = targets.map(\.address.port)
            // The loopback's one port, and the name without any.
            var rules = TargetRules(allow: try TargetPattern.list("127.0.0.1:\(ports[1])", takesPrivate: false))
            rules.deny = try TargetPattern.list("denied.invalid", takesPrivate: false)
            let fixture = try await Fixture(on: worker, rules: rules)
            let names = [Host.ipv4(IPv4Address(0x7f00_0001)), .name("127.1"), .name("denied.invalid")]
            let places = names.flatMap { name in ports.map { Address(host: name, port: $0) } }
            for (number, place) in places.enumerated() {
                let datagram = Datagram(address: place, data: [UInt8(number)])
                if number == 0 { fixture.open(datagram) } else { _ = fixture.pair.client.send(datagram) }
            }
            let answers = await fixture.answers(2)
            await worker.until { fixture.recorder.rejects[.forbiddenTarget] >= 4 }
            // Now that the name is known, too.
            _ = fixture.pair.client.send(Datagram(address: places[2], data: [6]))
            await worker.until { fixture.recorder.rejects[.forbiddenTarget] >= 5 }
            await fixture.pair.close()
            for target in targets { target.close() }
            return (answers.map { $0.data[0] }, fixture.recorder.rejects)
        }
        #expect(answers.sorted() == [1, 3])
        #expect(rejects == RefusalCounts([.forbiddenTarget: 5]))
    }

    @Test func `one whose key is accepted no longer sends nothing, and its tunnel ends`() async throws {
        let heard = try await WorkerThread.run { worker in
            let fixture = try await Fixture(on: worker, isAccepted: false)
            var heard = 0
            let target = try DatagramSocket(Loopback.ipv4, on: worker) { _, _ in heard += 1 }
            fixture.open(Datagram(address: Address(target.address), data: [1]))
            await worker.until { fixture.client.endedCount == 1 }
            await fixture.pair.close()
            target.close()
            return heard
        }
        #expect(heard == 0)
    }

    @Test func `one that nobody uses ends, and its descriptors with it`() async throws {
        let counts = try await WorkerThread.run { worker in
            let fixture = try await Fixture(on: worker, patience: .milliseconds(30))
            let target = try Self.target(on: worker)
            fixture.open(Datagram(address: Address(target.address), data: [1]))
            _ = await fixture.answers(1)
            await worker.until { fixture.client.endedCount == 1 }
            await fixture.pair.close()
            target.close()
            return fixture.client.endedCount
        }
        #expect(counts == 1)
    }
}
