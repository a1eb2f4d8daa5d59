import Testing

@testable import WstanCore

@Suite struct ExchangeMachineTests {
    private static func machine(upgrade: Bool = false, persists: Bool = true, sent: Bool = true) -> ExchangeMachine {
        var machine = ExchangeMachine(asksForUpgrade: upgrade, userAgentPersists: persists)
        if sent { machine.requestEnded() }
        return machine
    }

    private static let final = ExchangeMachine.HeadKind.final(endsWithConnection: false, persists: true)

    private static func ending(
        inOrder: Bool = true, isEnd: Bool = false, wasAtHand: Bool = true, mayRepeat: Bool = true
    ) -> ExchangeMachine.Ending {
        ExchangeMachine.Ending(
            inOrder: inOrder, isEndOfResponse: isEnd, wasAtHand: wasAtHand, mayRepeat: mayRepeat)
    }

    @Test func `an exchange after which both connections can be used again`() {
        var machine = Self.machine(sent: false)
        #expect(machine.isSending)
        machine.requestEnded()
        #expect(machine.receivedHead(.interim) == .passOn(closing: false))
        #expect(machine.isAwaiting)
        #expect(machine.receivedHead(Self.final) == .passOn(closing: false))
        #expect(!machine.isAwaiting)
        #expect(machine.responseEnded() == .takeNext(keepingTarget: true))
        #expect(machine.isOver)
    }

    @Test func `who ends what after an answer`() {
        var machine = Self.machine(persists: false)
        #expect(machine.receivedHead(Self.final) == .passOn(closing: true))
        #expect(machine.responseEnded() == .closeUserAgent)

        machine = Self.machine()
        #expect(machine.receivedHead(.final(endsWithConnection: false, persists: false)) == .passOn(closing: false))
        #expect(machine.responseEnded() == .takeNext(keepingTarget: false))

        machine = Self.machine()
        #expect(machine.receivedHead(.final(endsWithConnection: true, persists: true)) == .passOn(closing: true))
        #expect(machine.connectionEnded(Self.ending(isEnd: true)) == .complete(.closeUserAgent))
    }

    @Test func `an answer before the end of its request ends the connection, and says so`() {
        var machine = Self.machine(sent: false)
        #expect(machine.receivedHead(Self.final) == .passOn(closing: true))
        machine.requestEnded()
        #expect(machine.responseEnded() == .closeUserAgent)
    }

    @Test func `an upgrade is for who asked for it, and a second answer for nobody`() {
        var machine = Self.machine()
        #expect(machine.receivedHead(.upgrade) == .refuse)
        machine = Self.machine(upgrade: true)
        #expect(machine.receivedHead(.upgrade) == .relay)
        machine = Self.machine(upgrade: true)
        #expect(machine.receivedHead(Self.final) == .passOn(closing: false))
        #expect(machine.receivedHead(Self.final) == .refuse)
        #expect(machine.receivedHead(.upgrade) == .refuse)
    }

    @Test(arguments: 0..<8) func `a request is sent again only when nothing has come and it may be`(bits: Int) {
        let (heard, wasAtHand, mayRepeat) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0)
        var machine = Self.machine()
        if heard { machine.heard() }
        let action = machine.connectionEnded(Self.ending(wasAtHand: wasAtHand, mayRepeat: mayRepeat))
        #expect(action == (!heard && wasAtHand && mayRepeat ? .sendAgain : .explain))
    }

    @Test func `what was cut short is not complete`() {
        for ending in [
            Self.ending(), Self.ending(inOrder: false), Self.ending(inOrder: false, isEnd: true),
        ] {
            var machine = Self.machine()
            #expect(machine.receivedHead(Self.final) == .passOn(closing: false))
            #expect(machine.connectionEnded(ending) == .cutShort)
        }
    }

    @Test func `a request that its user agent leaves unfinished is given up`() {
        #expect(Self.machine(sent: false).userAgentEnded() == .giveUp)
        #expect(Self.machine().userAgentEnded() == .linger)
    }
}
