import Testing
import WstanBase
import WstanControl

@testable import WstanControlSocket
@testable import WstanCore

/// What is decided without a socket: the header of a call, who may do what, and who must leave.
@Suite struct ControlRulesTests {
    private func call(_ text: String) throws -> ControlCall { try ControlCall(reading: Array(text.utf8)) }

    @Test func `a call has a method, and no, null or empty parameters are the same`() throws {
        for text in [
            #"{"method":"a.B"}"#, #"{"method":"a.B","parameters":null}"#, #"{"method":"a.B","parameters":{}}"#,
            #"{"method":"a.B","more":false,"oneway":null}"#, #" {"method":"a.B","org.example":{"x":1},"a.b":7} "#,
        ] {
            let call = try call(text)
            #expect(call.method == "a.B" && call.parameters.isEmpty && call.replyMode == .one)
        }
        #expect(try call(#"{"method":"a.B","more":true,"oneway":false}"#).replyMode == .more)
        #expect(try call(#"{"method":"a.B","oneway":true}"#).replyMode == .oneway)
        #expect(try call(#"{"method":"a.B","upgrade":true}"#).replyMode == .upgrade)
    }

    @Test(arguments: [
        ("", ControlCall.Malformed.json(.malformed(at: 0))), ("[]", .noObject), ("\"a.B\"", .noObject),
        ("{}", .noMethod),
        (#"{"method":null}"#, .member("method")), (#"{"method":1}"#, .member("method")),
        (#"{"parameters":{}}"#, .noMethod),
        (#"{"method":"a.B","x":1}"#, .member("x")), (#"{"method":"a.B","parameters":[]}"#, .member("parameters")),
        (#"{"method":"a.B","more":1}"#, .member("more")),
        (#"{"method":"a.B","more":true,"oneway":true}"#, .contradiction),
        (#"{"method":"a.B","more":true,"upgrade":true}"#, .contradiction),
        (#"{"method":"a.B","oneway":true,"upgrade":true}"#, .contradiction),
        (#"{"method":"a.B","error":"x"}"#, .member("error")),
    ])
    func `there is no answer to a malformed call`(text: String, failure: ControlCall.Malformed) {
        #expect(throws: failure) { try call(text) }
    }

    private func refusal(_ text: String, _ standing: ControlAuthority.Standing = .owner) throws -> ControlError? {
        let call = try call(text)
        do throws(ControlError) {
            _ = try ControlDispatcher.admit(call, from: standing)
            return nil
        } catch {
            return error
        }
    }

    @Test func `what cannot be done is answered with its cause`() throws {
        #expect(try refusal(#"{"method":"org.wstan.control.GetStatus"}"#) == nil)
        #expect(try refusal(#"{"method":"org.wstan.control.Fly"}"#) == .methodNotFound("org.wstan.control.Fly"))
        #expect(try refusal(#"{"method":"org.other.Fly"}"#) == .interfaceNotFound("org.other"))
        #expect(try refusal(#"{"method":"Fly"}"#) == .methodNotFound("Fly"))
        #expect(try refusal(#"{"method":""}"#) == .methodNotFound(""))
        #expect(try refusal(#"{"method":"."}"#) == .interfaceNotFound(""))
        #expect(try refusal(#"{"method":"org.wstan.control.ListTunnels"}"#) == .expectedMore)
        #expect(try refusal(#"{"method":"org.wstan.control.ListTunnels","more":true}"#) == nil)
        #expect(
            try refusal(#"{"method":"org.wstan.control.Reload","upgrade":true}"#)
                == .methodNotImplemented("org.wstan.control.Reload"))
        let close = #"{"method":"org.wstan.control.CloseTunnel","parameters":"#
        #expect(try refusal(close + #"{"id":"1"}}"#) == .invalidParameter("id"))
        #expect(try refusal(close + "{}}") == .invalidParameter("id"))
        #expect(try refusal(close + #"{"id":1,"force":true}}"#) == .invalidParameter("force"))
        #expect(try refusal(close + #"{"id":1}}"#) == nil)
        #expect(
            try refusal(#"{"method":"org.wstan.control.SetLogLevel","parameters":{"level":"loud"}}"#)
                == .invalidParameter("level"))
    }

    private func caller(uid: UInt32, gid: UInt32 = 5, groups: Set<UInt32> = []) -> ControlCaller {
        ControlCaller(process: LocalProcess(pid: 1, uid: uid, gid: gid), groups: groups)
    }

    @Test func `root and the daemon's user own it, the group's members change it, strangers look`() {
        let authority = ControlAuthority(user: 900, group: 901)
        #expect(authority.standing(of: caller(uid: 0)) == .owner)
        #expect(authority.standing(of: caller(uid: 900)) == .owner)
        #expect(authority.standing(of: caller(uid: 7, gid: 901)) == .member)
        #expect(authority.standing(of: caller(uid: 7, groups: [3, 901])) == .member)
        #expect(authority.standing(of: caller(uid: 901, groups: [900])) == .stranger)
        #expect(ControlAuthority(user: 900, group: nil).standing(of: caller(uid: 7, gid: 0, groups: [0])) == .stranger)
    }

    @Test(arguments: ControlCommand.allCases)
    func `every method asks for what it needs before it looks at parameters`(command: ControlCommand) throws {
        let text = #"{"method":"\#(command.name)","parameters":{"bogus":1},"more":true}"#
        let forAll: Set<ControlCommand> = [.getInfo, .getInterfaceDescription, .getStatus]
        let wrong = ControlError.invalidParameter("bogus")
        #expect(try refusal(text, .stranger) == (forAll.contains(command) ? wrong : .permissionDenied))
        #expect(try refusal(text, .member) == (command == .getClientConfiguration ? .permissionDenied : wrong))
        #expect(try refusal(text, .owner) == wrong)
    }

    @Test func `changes of keys are logged with what became of them, and a dry run not at all`() throws {
        let logged = ControlCommand.allCases.filter(\.isLoggedByService)
        #expect(logged == [.rotateKey, .rotateServerKey, .addKey, .retireKey] && logged.allSatisfy(\.isLogged))
        #expect(!ControlCommand.listRejects.isLogged && !ControlCommand.listKeys.isLogged)
        #expect(try call(#"{"method":"a.Reload","parameters":{"dryRun":true}}"#).isDryRun)
        for text in [#"{}"#, #"{"dryRun":false}"#, #"{"dryRun":1}"#] {
            #expect(try !call(#"{"method":"a.Reload","parameters":\#(text)}"#).isDryRun)
        }
    }

    @Test func `a stranger is not told what is private`() {
        let status = InterfaceTests.fullStatus
        #expect(status.visible(to: .member) == status)
        let visible = status.visible(to: .stranger)
        #expect(visible.keys == nil && visible.keyCount == nil && visible.warnings == nil && visible.configurationErrors == nil)
        #expect(visible.restricted == true)
        #expect(visible.servers?.map(\.uri) == ["(hidden)"] && visible.servers?.map(\.state) == [.unreachable])
        #expect(visible.listeners.isEmpty && visible.statusText == status.mode.rawValue)
        #expect(visible.certificate?.file == nil && visible.certificate?.refusal?.contains("/f") == false)
        #expect(visible.replacedListen == [] && visible.withoutTLS == [] && visible.trustsFront == false)
        #expect(visible.refusedKeys == [] && visible.refusesAllKeys == true)
        #expect((visible.requiresRestart, visible.filesChanged, visible.warningCount) == (["uri"], true, 1))
    }

    @Test func `a stranger is told numbers of two digits, and of bytes whole megabytes`() {
        var status = InterfaceTests.fullStatus
        (status.tunnelsActive, status.tunnelsTotal, status.bytesReceived, status.bytesSent) = (99, 123_987, 987_654_321, 999_999)
        status.rejects = Control.Rejects()
        status.rejects?[.replay] = 101
        let visible = status.visible(to: .stranger)
        #expect((visible.tunnelsActive, visible.tunnelsTotal) == (99, 120_000))
        #expect((visible.bytesReceived, visible.bytesSent) == (980_000_000, 0))
        #expect(visible.rejects?[.replay] == 100)
        // Less than a millisecond is not 0.
        #expect(visible.pool?.rttUSec == nil && visible.servers?.map(\.rttUSec) == [nil])
        status.pool?.rttUSec = 12_345
        #expect(status.visible(to: .stranger).pool?.rttUSec == 12_000)
        status.tunnelsTotal = .max
        #expect(status.visible(to: .stranger).tunnelsTotal == 9_200_000_000_000_000_000)
    }

    @Test func `nothing that a stranger is told names an address`() {
        let status = InterfaceTests.fullStatus.visible(to: .stranger)
        let text = String(decoding: JSONValue.object(ControlCoding.object(of: status)).text, as: UTF8.self)
        #expect(!text.contains("://") && !text.contains("a:1") && !text.contains("/f"), "\(text)")
    }

    // MARK: The limit on sessions

    private func admit(_ seats: inout SessionLimiter, _ standing: ControlAuthority.Standing, of user: UInt32 = 0) -> (
        SessionLimiter.ID, SessionLimiter.ID?
    )? {
        guard case .admitted(let id, let evicted) = seats.admit(standing, of: user) else { return nil }
        return (id, evicted)
    }

    @Test func `strangers leave seats for others, and their oldest idle one goes`() throws {
        var seats = SessionLimiter()
        var ids: [SessionLimiter.ID] = []
        for number in 0..<(SessionLimiter.count - SessionLimiter.reserved) {
            ids.append(try #require(admit(&seats, .stranger, of: UInt32(number))).0)
        }
        seats.began(ids[0])
        seats.becameIdle(ids[0])
        #expect(admit(&seats, .stranger)?.1 == ids[1])
        for _ in 0..<SessionLimiter.reserved { #expect(try #require(admit(&seats, .owner)).1 == nil) }
        #expect(admit(&seats, .member)?.1 == ids[2])
    }

    @Test func `busy strangers make way for members, busy members for nobody`() throws {
        var seats = SessionLimiter()
        let first = try #require(admit(&seats, .stranger)).0
        seats.began(first)
        for _ in 1..<SessionLimiter.count { seats.began(try #require(admit(&seats, .owner)).0) }
        #expect(admit(&seats, .stranger) == nil)
        let (id, evicted) = try #require(admit(&seats, .member))
        #expect(evicted == first)
        seats.began(id)
        #expect(admit(&seats, .owner) == nil)
        seats.becameIdle(id)
        #expect(admit(&seats, .owner)?.1 == id)
        seats.left(id)
    }

    @Test func `members leave the last seats for owners, whatever their calls do`() throws {
        var seats = SessionLimiter()
        let members = try (0..<(SessionLimiter.count - SessionLimiter.ofOwners)).map { _ in
            try #require(admit(&seats, .member, of: 7)).0
        }
        for id in members { seats.began(id) }
        #expect(admit(&seats, .member, of: 8) == nil)
        for _ in 0..<SessionLimiter.ofOwners { #expect(try #require(admit(&seats, .owner)).1 == nil) }
        seats.becameIdle(members[3])
        #expect(try #require(admit(&seats, .owner)).1 == members[3])
        // An owner's idle session is not a member's to take.
        #expect(admit(&seats, .member, of: 8) == nil)
    }

    @Test func `a stranger has a few seats, and its own oldest idle one goes`() throws {
        var seats = SessionLimiter()
        let other = try #require(admit(&seats, .stranger, of: 8)).0
        let own = try (0..<SessionLimiter.ofOneStranger).map { _ in try #require(admit(&seats, .stranger, of: 7)).0 }
        seats.began(own[0])
        #expect(try #require(admit(&seats, .stranger, of: 7)).1 == own[1])
        for id in own { seats.began(id) }
        seats.began(SessionLimiter.ID(SessionLimiter.ofOneStranger + 2))
        #expect(admit(&seats, .stranger, of: 7) == nil && admit(&seats, .owner, of: 7) != nil)
        #expect(try #require(admit(&seats, .stranger, of: 8)).1 == nil && other == 1)
    }

    // MARK: The pace of strangers

    @Test func `a stranger is answered at once for a while, then steadily, and others are not kept waiting`() {
        var pace = StrangersPace()
        let now = Instant(nanoseconds: 1_000_000_000_000)
        for _ in 0..<20 { #expect(pace.call(of: 7, now: now) == .zero) }
        #expect(pace.call(of: 7, now: now) == .milliseconds(100))
        #expect(pace.call(of: 7, now: now) == .milliseconds(200))
        #expect(pace.call(of: 8, now: now) == .zero)
        #expect(pace.call(of: 7, now: now + .seconds(10)) == .zero)
    }

    @Test func `users without number are held back together`() {
        var pace = StrangersPace()
        let now = Instant(nanoseconds: 1_000_000_000_000)
        let waits = (0..<1000).map { pace.call(of: UInt32($0), now: now) }
        #expect(waits.prefix(100).allSatisfy { $0 == .zero } && waits.dropFirst(100).allSatisfy { $0 > .zero })
        let admitted = (0..<1000).count { pace.connection(of: UInt32($0), now: now) }
        #expect(admitted == 200)
    }

    @Test func `a stranger who connects in a loop is let in so often`() {
        var pace = StrangersPace()
        let start = Instant(nanoseconds: 1_000_000_000_000)
        let admitted = (0..<10_000).count { pace.connection(of: 7, now: start + .milliseconds($0)) }
        #expect((239...241).contains(admitted))
    }
}
