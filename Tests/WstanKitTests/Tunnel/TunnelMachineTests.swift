import Testing

@testable import WstanCore

@Suite struct TunnelMachineTests {
    private enum Event: CaseIterable {
        case sentRequest
        case receivedRequest
        case connectedTarget
        case ended
        case receivedReset
        case receivedData
        case sentAssociationRequest
        case receivedAssociationRequest
        case receivedDatagram

        /// What the machine orders, as text, so that one table holds all kinds of actions.
        func happen(to machine: inout TunnelMachine) -> String {
            switch self {
            case .sentRequest: "\(machine.sentRequest())"
            case .receivedRequest: "\(machine.receivedRequest())"
            case .connectedTarget: "\(machine.connectedTarget())"
            case .ended: "\(machine.ended())"
            case .receivedReset: "\(machine.receivedReset())"
            case .receivedData: "\(machine.receivedData())"
            case .sentAssociationRequest: "\(machine.sentAssociationRequest())"
            case .receivedAssociationRequest: "\(machine.receivedAssociationRequest())"
            case .receivedDatagram: "\(machine.receivedDatagram())"
            }
        }
    }

    private struct Row {
        let role: TunnelRole
        /// What leads from the beginning to the state.
        let way: [Event]
        let state: TunnelMachine.State
        /// For each event, in their order: the action and the state after it.
        let results: [(String, TunnelMachine.State)]
    }

    private static let rows = [
        Row(
            role: .requester, way: [], state: .idle,
            results: [
                ("true", .using), ("close(3000)", .idle), ("ignore", .idle), ("ignore", .idle), ("close(3001)", .idle),
                ("close(3001)", .idle),
                ("true", .associated), ("close(3000)", .idle), ("close(3000)", .idle),
            ]),
        Row(
            role: .requester, way: [.sentRequest], state: .using,
            results: [
                ("false", .using), ("close(3000)", .using), ("ignore", .using), ("sendReset", .resetting),
                ("answerReset", .idle), ("deliver", .using),
                ("false", .using), ("close(3000)", .using), ("close(3000)", .using),
            ]),
        Row(
            role: .requester, way: [.sentRequest, .ended], state: .resetting,
            results: [
                ("false", .resetting), ("close(3000)", .resetting), ("ignore", .resetting), ("ignore", .resetting),
                ("becomeIdle", .idle), ("discard", .resetting),
                ("false", .resetting), ("close(3000)", .resetting), ("discard", .resetting),
            ]),
        Row(
            role: .acceptor, way: [], state: .idle,
            results: [
                ("false", .idle), ("connect", .connecting), ("ignore", .idle), ("ignore", .idle),
                ("close(3001)", .idle), ("close(3001)", .idle),
                ("false", .idle), ("associate", .associated), ("close(3000)", .idle),
            ]),
        Row(
            role: .acceptor, way: [.receivedRequest], state: .connecting,
            results: [
                ("false", .connecting), ("close(3001)", .connecting), ("relay", .using), ("sendReset", .resetting),
                ("answerReset", .idle), ("hold", .connecting),
                ("false", .connecting), ("close(3001)", .connecting), ("close(3000)", .connecting),
            ]),
        Row(
            role: .acceptor, way: [.receivedRequest, .connectedTarget], state: .using,
            results: [
                ("false", .using), ("close(3001)", .using), ("ignore", .using), ("sendReset", .resetting),
                ("answerReset", .idle), ("deliver", .using),
                ("false", .using), ("close(3001)", .using), ("close(3000)", .using),
            ]),
        Row(
            role: .acceptor, way: [.receivedRequest, .ended], state: .resetting,
            results: [
                ("false", .resetting), ("close(3001)", .resetting), ("ignore", .resetting), ("ignore", .resetting),
                ("becomeIdle", .idle), ("discard", .resetting),
                ("false", .resetting), ("close(3001)", .resetting), ("discard", .resetting),
            ]),
        Row(
            role: .requester, way: [.sentAssociationRequest], state: .associated,
            results: [
                ("false", .associated), ("close(3000)", .associated), ("ignore", .associated),
                ("sendReset", .resetting), ("answerReset", .idle), ("close(3001)", .associated),
                ("false", .associated), ("close(3000)", .associated), ("deliver", .associated),
            ]),
        Row(
            role: .acceptor, way: [.receivedAssociationRequest], state: .associated,
            results: [
                ("false", .associated), ("close(3001)", .associated), ("ignore", .associated),
                ("sendReset", .resetting), ("answerReset", .idle), ("close(3001)", .associated),
                ("false", .associated), ("close(3001)", .associated), ("deliver", .associated),
            ]),
    ]

    @Test func `every event in every state of both roles does what the table says`() {
        for row in Self.rows {
            #expect(row.results.count == Event.allCases.count)
            for (event, result) in zip(Event.allCases, row.results) {
                var machine = TunnelMachine(role: row.role)
                for step in row.way { _ = step.happen(to: &machine) }
                #expect(machine.state == row.state)
                #expect(event.happen(to: &machine) == result.0, "\(row.role) \(row.state) \(event)")
                #expect(machine.state == result.1, "\(row.role) \(row.state) \(event)")
            }
        }
    }

    // MARK: Two machines

    private enum Message {
        case request
        case data
        case reset
    }

    /// Both ends of a tunnel with what is on its way between them.
    private struct Pair {
        var client = TunnelMachine(role: .requester)
        var server = TunnelMachine(role: .acceptor)
        var toServer: [Message] = []
        var toClient: [Message] = []
        var closes = 0
        var connections = 0
        var crossings = 0

        mutating func step(_ number: Int) {
            switch number {
            case 0:
                if client.sentRequest() {
                    toServer.append(.request)
                    connections += 1
                }
            case 1: if client.state == .using { toServer.append(.data) }
            case 2: if client.ended() == .sendReset { toServer.append(.reset) }
            case 3: _ = server.connectedTarget()
            case 4: if server.state == .using { toClient.append(.data) }
            case 5: if server.ended() == .sendReset { toClient.append(.reset) }
            case 6...7: deliverToServer()
            default: deliverToClient()
            }
        }

        private mutating func deliverToServer() {
            guard !toServer.isEmpty else { return }
            switch toServer.removeFirst() {
            case .request: if server.receivedRequest() != .connect { closes += 1 }
            case .data: if case .close = server.receivedData() { closes += 1 }
            case .reset: if Self.reset(&server, &crossings, &closes) { toClient.append(.reset) }
            }
        }

        private mutating func deliverToClient() {
            guard !toClient.isEmpty else { return }
            switch toClient.removeFirst() {
            case .request: closes += 1
            case .data: if case .close = client.receivedData() { closes += 1 }
            case .reset: if Self.reset(&client, &crossings, &closes) { toServer.append(.reset) }
            }
        }

        private static func reset(_ machine: inout TunnelMachine, _ crossings: inout Int, _ closes: inout Int) -> Bool {
            switch machine.receivedReset() {
            case .answerReset: return true
            case .becomeIdle: crossings += 1
            case .close: closes += 1
            }
            return false
        }

        mutating func settle() {
            step(2)
            step(5)
            while !toServer.isEmpty || !toClient.isEmpty {
                deliverToServer()
                deliverToClient()
            }
        }
    }

    @Test func `two honest ends never close and always come back to idle, crossing resets included`() {
        var crossings = 0
        var connections = 0
        for seed in 0..<300 {
            var random = SeededRandomness(seed: UInt64(seed))
            var pair = Pair()
            for _ in 0..<300 { pair.step(random.below(10)) }
            pair.settle()
            #expect(pair.client.state == .idle && pair.server.state == .idle && pair.closes == 0, "seed \(seed)")
            crossings += pair.crossings
            connections += pair.connections
        }
        // The scripts would be worth nothing otherwise.
        #expect(connections > 3000)
        #expect(crossings > 3000)
    }
}
