import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct DeferredReplyMachineTests {
    private static let unreachable = Reset.unreachable(Address(host: .name("a"), port: 1), "the name does not exist")

    @Test func `the server's answer, the first data and the time each grant, once`() {
        let events: [(inout DeferredReplyMachine) -> DeferredReplyMachine.Action] = [
            { $0.serverAnswered() }, { $0.receivedData() }, { $0.timePassed() },
        ]
        for first in events {
            for second in events {
                var machine = DeferredReplyMachine()
                #expect(first(&machine) == .grant)
                #expect(second(&machine) == .nothing)
                #expect(machine.receivedReset(Self.unreachable) == .nothing)
                #expect(machine.failed(.lost) == .nothing)
                #expect(machine.state == .granted)
            }
        }
    }

    @Test func `time that has passed proves no target`() {
        var machine = DeferredReplyMachine()
        #expect(machine.timePassed() == .grant && !machine.isTargetThere)
        let proofs: [(inout DeferredReplyMachine) -> DeferredReplyMachine.Action] = [
            { $0.serverAnswered() }, { $0.receivedData() }, { $0.receivedReset(.normal) }, { $0.receivedReset(.targetBroken) },
        ]
        for proof in proofs {
            machine = DeferredReplyMachine()
            #expect(proof(&machine) == .grant && machine.isTargetThere)
            machine.startedOver()
            #expect(!machine.isTargetThere)
        }
        machine = DeferredReplyMachine()
        _ = machine.receivedReset(Self.unreachable)
        #expect(!machine.isTargetThere)
    }

    @Test func `a target that has ended or broken off was there`() {
        for reset in [Reset.normal, .targetBroken, Reset(reason: "  padding")] {
            var machine = DeferredReplyMachine()
            #expect(machine.receivedReset(reset) == .grant)
        }
    }

    @Test func `every other reset, and what fails before it, refuses once`() {
        for reset in [Self.unreachable, .forbidden(key: "deny"), Reset(reason: "?")] {
            var machine = DeferredReplyMachine()
            #expect(machine.receivedReset(reset) == .refuse(.reset(reset)))
            #expect(machine.timePassed() == .nothing)
            #expect(machine.failed(.lost) == .nothing)
            #expect(machine.state == .refused)
        }
        var machine = DeferredReplyMachine()
        #expect(machine.failed(.dial(.closed(usesTLS: false))) == .refuse(.dial(.closed(usesTLS: false))))
    }

    @Test func `a server that answers tells, early or late`() {
        var machine = DeferredReplyMachine()
        #expect(machine.behaviour == nil)
        _ = machine.serverAnswered()
        #expect(machine.behaviour == .tells)
        machine = DeferredReplyMachine()
        _ = machine.timePassed()
        _ = machine.receivedData()
        _ = machine.serverAnswered()
        #expect(machine.behaviour == .tells)
    }

    /// Data may overtake the question, which goes out a round trip after a request in the URI.
    @Test func `silence is concluded only from data that no answer came before, when the time is up`() {
        var machine = DeferredReplyMachine()
        _ = machine.receivedData()
        #expect(machine.behaviour == nil)
        _ = machine.timePassed()
        #expect(machine.behaviour == .isSilent)
        machine = DeferredReplyMachine()
        _ = machine.timePassed()
        #expect(machine.behaviour == nil, "the target may be slow")
        _ = machine.receivedData()
        #expect(machine.behaviour == .isSilent)
        machine = DeferredReplyMachine()
        _ = machine.serverAnswered()
        _ = machine.receivedData()
        _ = machine.timePassed()
        #expect(machine.behaviour == .tells)
    }

    @Test func `what one tunnel has shown is not held against the next`() {
        var machine = DeferredReplyMachine()
        _ = machine.timePassed()
        machine.startedOver()
        _ = machine.receivedData()
        #expect(machine.behaviour == nil)
        #expect(machine.state == .granted)
    }

    @Test func `what is not known is waited for by the round trip, within bounds`() {
        func patience(_ behaviour: AnswerBehaviour?, _ milliseconds: Int) -> Duration {
            AnswerSupport.patience(behaviour, roundTrip: .milliseconds(milliseconds))
        }
        #expect(patience(nil, 0) == .seconds(1))
        #expect(patience(nil, 250) == .seconds(1))
        #expect(patience(nil, 500) == .seconds(2))
        #expect(patience(nil, 5000) == .seconds(3))
        #expect(patience(.isSilent, 100) == .milliseconds(400))
        #expect(patience(.isSilent, 5000) == .seconds(3))
        #expect(patience(.tells, 100) == ClientLimits.answerFromTeller)
    }

    @Test func `what was seen of servers is remembered by their addresses, of some of them`() {
        let answerSupport = AnswerSupport()
        func server(_ port: Int, _ number: Int = 0) -> AnswerSupport.Server {
            AnswerSupport.Server(number: number, address: .ipv4(IPv4Address(1), port: UInt16(port)))
        }
        func patience(_ port: Int) -> Duration { answerSupport.patience(with: server(port), roundTrip: .zero) }
        answerSupport.learn(.isSilent, of: server(1))
        answerSupport.learn(.tells, of: server(2))
        #expect(patience(1) == ClientLimits.answerFromSilent)
        #expect(patience(2) == ClientLimits.answerFromTeller)
        #expect(patience(3) == ClientLimits.answerAtLeast)
        answerSupport.learn(.tells, of: server(1))
        #expect(patience(1) == ClientLimits.answerFromTeller)
        // Another server behind the same proxy.
        #expect(answerSupport.patience(with: server(1, 1), roundTrip: .zero) == ClientLimits.answerAtLeast)
        for port in 0..<1000 { answerSupport.learn(.tells, of: server(port)) }
        #expect((0..<1000).count { patience($0) == ClientLimits.answerFromTeller } <= ClientLimits.knownServers)
    }
}
