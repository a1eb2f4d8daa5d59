@testable import WstanCore

extension FuzzTarget {
    /// Whatever happens to a request and its answer, in whatever order: nobody takes a part for the whole, no request
    /// is sent twice that has been heard of, and no connection is used again on which something is unfinished.
    static let exchangeMachine = FuzzTarget(
        "exchange-machine",
        seeds: [
            [2, 0, 1, 2, 1, 3], [3, 0, 1, 0x12, 2, 4, 7], [2, 1, 2, 0, 3], [2, 0, 4, 15], [0, 0, 1, 2, 3],
            [3, 0, 1, 0x11, 4, 7], [2, 0, 1, 0, 5, 2, 0x12, 4, 3], [2, 5, 0, 5, 1, 2, 0x33, 4, 3],
        ], maxLength: 64
    ) { input in
        let choice = input.byte()
        var script = ExchangeScript(asksForUpgrade: choice & 1 == 1, userAgentPersists: choice & 2 == 2)
        while !input.isOver, !script.isOver { script.play(input.below(6), with: input.byte()) }
    }
}

/// An exchange, and what everybody knows about it who has seen its events.
private struct ExchangeScript {
    private var machine: ExchangeMachine
    private let asksForUpgrade: Bool
    private let userAgentPersists: Bool
    private var isSent = false
    private var wasHeard = false
    private var answer: Answer?
    private(set) var isOver = false

    private struct Answer {
        var persists: Bool
        var endsWithConnection: Bool
        /// What the user agent was told.
        var saysClose: Bool
        var cameEarly: Bool
        var isUpgrade = false
    }

    init(asksForUpgrade: Bool, userAgentPersists: Bool) {
        self.asksForUpgrade = asksForUpgrade
        self.userAgentPersists = userAgentPersists
        machine = ExchangeMachine(asksForUpgrade: asksForUpgrade, userAgentPersists: userAgentPersists)
    }

    mutating func play(_ event: Int, with byte: UInt8) {
        switch event {
        case 0:
            isSent = true
            machine.requestEnded()
        case 1:
            wasHeard = true
            machine.heard()
        case 2:
            receiveHead(byte)
        case 3:
            // Only what has begun can end.
            guard answer?.isUpgrade == false else { return }
            check(machine.responseEnded())
            require(machine.isOver, "an answer that has ended is over")
            isOver = true
        case 4:
            endConnection(byte)
        default:
            let action = machine.userAgentEnded()
            require((action == .giveUp) == !isSent, "half a request is given up, and only that")
        }
        require(machine.isSending == !isSent, "it knows whether the request is whole")
        require(isOver || machine.isAwaiting == (answer == nil), "it knows whether the user agent has got something")
    }

    private mutating func receiveHead(_ byte: UInt8) {
        wasHeard = true
        machine.heard()
        let persists = byte & 16 == 16
        let ends = byte & 32 == 32
        let kinds: [ExchangeMachine.HeadKind] = [
            .interim, .upgrade, .final(endsWithConnection: ends, persists: persists),
        ]
        let kind = kinds[Int(byte & 15) % 3]
        let action = machine.receivedHead(kind)
        guard answer == nil else { return require(action == .refuse, "there is one answer") }
        switch (kind, action) {
        case (.interim, .passOn(closing: false)): break
        case (.upgrade, .relay):
            require(asksForUpgrade, "another protocol only if it was asked for")
            answer = Answer(
                persists: false, endsWithConnection: false, saysClose: false, cameEarly: !isSent, isUpgrade: true)
        case (.upgrade, .refuse):
            require(!asksForUpgrade, "what was asked for is let through")
        case (.final, .passOn(let closing)):
            let mustClose = ends || !isSent || !userAgentPersists
            require(closing == mustClose, "it is said that the connection ends, when it does")
            answer = Answer(persists: persists, endsWithConnection: ends, saysClose: closing, cameEarly: !isSent)
        default:
            require(false, "\(action) for \(kind)")
        }
    }

    private func check(_ action: ExchangeMachine.EndAction) {
        guard let answer else { return require(false, "no end without an answer") }
        switch action {
        case .closeUserAgent:
            require(answer.saysClose, "the user agent's connection ends only if it was told so")
        case .takeNext(let keepingTarget):
            require(!answer.saysClose, "what was told is done")
            require(userAgentPersists && !answer.endsWithConnection && !answer.cameEarly, "a next request may come")
            require(isSent, "no next request before the end of this one")
            require(keepingTarget == answer.persists, "the target's way is kept if the target keeps it")
        }
    }

    private mutating func endConnection(_ byte: UInt8) {
        let ending = ExchangeMachine.Ending(
            inOrder: byte & 1 == 1, isEndOfResponse: byte & 2 == 2, wasAtHand: byte & 4 == 4,
            mayRepeat: byte & 8 == 8)
        switch machine.connectionEnded(ending) {
        case .complete(let action):
            require(answer?.isUpgrade == false, "what is complete has begun")
            require(ending.inOrder && ending.isEndOfResponse, "what was cut is not whole")
            check(action)
            // It is gone, whatever the target has said about keeping it: the driver looks at that.
            isOver = true
        case .sendAgain:
            require(answer == nil && !wasHeard, "what was heard of is not sent twice")
            require(ending.wasAtHand && ending.mayRepeat, "nor what may not be")
            isSent = true
            machine.requestEnded()
        case .explain:
            require(answer == nil, "nothing is explained behind a head")
            require(wasHeard || !ending.wasAtHand || !ending.mayRepeat, "what can be sent again is")
            isOver = true
        case .cutShort:
            require(answer != nil, "only what has begun is cut")
            isOver = true
        }
    }
}
