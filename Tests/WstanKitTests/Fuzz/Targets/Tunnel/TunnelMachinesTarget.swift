@testable import WstanCore

extension FuzzTarget {
    /// Both ends of a tunnel, wired in memory. Honest ends never find each other out of turn; what was sent for one
    /// connection is never delivered to another; when everything has arrived and both are done, both are idle.
    static let tunnelMachines = FuzzTarget(
        "tunnel-machines",
        seeds: [
            [0, 2, 4, 6, 1, 7, 2, 3, 5, 3, 2], [0, 4, 6, 7, 2, 3, 0, 2, 4, 5, 2, 3, 2, 3], [0, 0, 4, 2, 0, 2, 3, 7, 8],
        ]
    ) { input in
        var wire = TunnelWire()
        while !input.isOver { wire.happen(input.below(9)) }
        wire.settle()
    }

    /// One end alone, and a peer that does what it wants: every event has an answer in every state.
    static let loneTunnelMachine = FuzzTarget(
        "lone-tunnel-machine", seeds: [[0, 1, 2, 3, 4, 5], [1, 1, 2, 3, 4, 5], [0, 6, 8, 3, 8, 4], [1, 7, 8, 5, 4]]
    ) {
        input in
        let role: TunnelRole = input.flag() ? .acceptor : .requester
        var machine = TunnelMachine(role: role)
        while !input.isOver {
            let before = machine.state
            switch input.below(9) {
            case 0:
                require(machine.sentRequest() == (role == .requester && before == .idle), "only a free tunnel is used")
            case 1:
                let isTaken = machine.receivedRequest() == .connect
                require(isTaken == (role == .acceptor && before == .idle), "only a free tunnel is taken")
            case 2:
                require((machine.connectedTarget() == .relay) == (before == .connecting), "only who waits is connected")
            case 3:
                let isUp = before == .using || before == .connecting || before == .associated
                require((machine.ended() == .sendReset) == isUp, "one reset")
            case 4:
                switch machine.receivedReset() {
                case .answerReset, .becomeIdle: require(machine.state == .idle, "a reset frees the tunnel")
                case .close: require(before == .idle, "only an idle tunnel has nothing to reset")
                }
            case 5: require((machine.receivedData() == .deliver) == (before == .using), "data is for connections")
            case 6:
                let isSent = machine.sentAssociationRequest()
                require(isSent == (role == .requester && before == .idle), "only a free tunnel is used")
            case 7:
                let isTaken = machine.receivedAssociationRequest() == .associate
                require(isTaken == (role == .acceptor && before == .idle), "only a free tunnel is taken")
            default:
                let isDelivered = machine.receivedDatagram() == .deliver
                require(isDelivered == (before == .associated), "datagrams are for associations")
            }
        }
    }
}

/// A client's machine and a server's, with what is on the way between them.
private struct TunnelWire {
    private enum Message {
        case request(Int)
        /// For which connection it was sent.
        case data(Int)
        case reset
    }

    private var client = TunnelMachine(role: .requester)
    private var server = TunnelMachine(role: .acceptor)
    private var up: [Message] = []
    private var down: [Message] = []
    private var clientConnection = 0
    private var serverConnection = 0
    private var requests = 0
    /// Whose near end is done with the connection that it has: nothing is for it any more.
    private var clientIsDone = false
    private var serverIsDone = false

    mutating func happen(_ event: Int) {
        switch event {
        case 0:
            guard client.sentRequest() else { return }
            requests += 1
            clientConnection = requests
            clientIsDone = false
            up.append(.request(requests))
        case 1: if client.state == .using { up.append(.data(clientConnection)) }
        case 2: deliverUp()
        case 3: deliverDown()
        case 4: _ = server.connectedTarget()
        case 5:
            guard client.ended() == .sendReset else { return }
            clientIsDone = true
            up.append(.reset)
        case 6: if server.state == .using { down.append(.data(serverConnection)) }
        case 7:
            guard server.ended() == .sendReset else { return }
            serverIsDone = true
            down.append(.reset)
        default:
            for _ in 0..<3 {
                deliverUp()
                deliverDown()
            }
        }
    }

    /// Both ends are done, and everything arrives.
    mutating func settle() {
        happen(5)
        happen(7)
        while !up.isEmpty || !down.isEmpty {
            deliverUp()
            deliverDown()
            // A request that was on its way still begins a connection.
            happen(7)
        }
        happen(5)
        while !up.isEmpty || !down.isEmpty {
            deliverUp()
            deliverDown()
        }
        require(
            client.state == .idle && server.state == .idle, "free in the end, not \(client.state) and \(server.state)")
        require(client.sentRequest(), "and good for the next connection")
    }

    private mutating func deliverUp() {
        guard !up.isEmpty else { return }
        switch up.removeFirst() {
        case .request(let number):
            require(server.receivedRequest() == .connect, "a request on a free tunnel is served")
            serverConnection = number
            serverIsDone = false
        case .data(let number):
            switch server.receivedData() {
            case .deliver, .hold:
                require(number == serverConnection && !serverIsDone, "data belongs to its connection")
            case .discard: break
            case .close: require(false, "an honest client's data has its place")
            }
        case .reset:
            switch server.receivedReset() {
            case .answerReset: down.append(.reset)
            case .becomeIdle: break
            case .close: require(false, "an honest client's reset has its place")
            }
        }
    }

    private mutating func deliverDown() {
        guard !down.isEmpty else { return }
        switch down.removeFirst() {
        case .request: require(false, "a server asks for nothing")
        case .data(let number):
            switch client.receivedData() {
            case .deliver: require(number == clientConnection && !clientIsDone, "data belongs to its connection")
            case .discard: break
            case .hold, .close: require(false, "an honest server's data has its place")
            }
        case .reset:
            switch client.receivedReset() {
            case .answerReset: up.append(.reset)
            case .becomeIdle: break
            case .close: require(false, "an honest server's reset has its place")
            }
        }
    }
}
