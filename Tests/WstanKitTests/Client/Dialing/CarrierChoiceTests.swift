import Testing

@testable import WstanBase
@testable import WstanCore

/// `carrier = auto` (protocol-v2.md sections 4.2 and 14.10).
@Suite struct CarrierChoiceTests {
    private static let forbidden: DialFailure = {
        var answer = UpgradeAnswer(status: 403)
        answer.reason = "Forbidden"
        answer.failure = .status(403)
        answer.carrier = .cookie
        return .refused(answer)
    }()

    private static func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(seconds) }

    @Test func `it begins with the cookie, and stays with what has worked`() {
        var choice = CarrierChoice()
        #expect(choice.carrier == .cookie)
        #expect(choice.succeeded(.cookie) == nil)
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(1)) == .accept)
        #expect(choice.carrier == .cookie)
    }

    @Test func `what has worked is doubted after three refusals in a row`() {
        var choice = CarrierChoice()
        for _ in 0..<2 {
            #expect(choice.succeeded(.cookie) == nil)
            for second in 0..<2 { #expect(choice.refused(.cookie, Self.forbidden, Self.at(second)) == .accept) }
        }
        // Those by another carrier, which were on their way, do not count.
        #expect(choice.refused(.path, Self.forbidden, Self.at(2)) == .askAgain)
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(2)) == .search([.path, .subprotocol]))
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(2)) == .wait)
        choice.searchEnded(hasFound: false, Self.at(2))
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(2)) == .accept)
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(3)) == .search([.path, .subprotocol]))
        #expect(choice.succeeded(.path) != nil)
        choice.searchEnded(hasFound: true, Self.at(3))
        for second in 3..<5 { #expect(choice.refused(.path, Self.forbidden, Self.at(second)) == .accept) }
        #expect(choice.refused(.path, Self.forbidden, Self.at(5)) == .search([.cookie, .subprotocol]))
    }

    @Test func `a refusal has the others tried, and what works then is the next choice`() {
        var choice = CarrierChoice()
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(0)) == .search([.path, .subprotocol]))
        // Others that are refused meanwhile try nothing by themselves.
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(1)) == .wait)
        let change = CarrierChange(former: .cookie, carrier: .subprotocol, refusal: Self.forbidden)
        #expect(choice.succeeded(.subprotocol) == change && choice.change == change)
        choice.searchEnded(hasFound: true, Self.at(1))
        #expect(choice.carrier == .subprotocol && !choice.isSearching)
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(2)) == .askAgain)
        #expect(choice.refused(.subprotocol, Self.forbidden, Self.at(2)) == .accept)
        #expect(choice.succeeded(.subprotocol) == nil)
    }

    @Test func `with a wrong key the others are tried with pauses that grow up to five minutes`() {
        var choice = CarrierChoice()
        var now = 0
        for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            #expect(choice.refused(.cookie, Self.forbidden, Self.at(now)) == .search([.path, .subprotocol]))
            choice.searchEnded(hasFound: false, Self.at(now))
            #expect(choice.carrier == .cookie)
            #expect(choice.refused(.cookie, Self.forbidden, Self.at(now)) == .accept)
            #expect(choice.refused(.cookie, Self.forbidden, Self.at(now + pause - 1)) == .accept)
            now += pause
        }
        #expect(choice.succeeded(.cookie) == nil)
        for _ in 1..<CarrierChoice.refusalsToDoubt { #expect(choice.refused(.cookie, Self.forbidden, Self.at(now)) == .accept) }
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(now)) == .search([.path, .subprotocol]))
        choice.searchEnded(hasFound: false, Self.at(now))
        #expect(choice.refused(.cookie, Self.forbidden, Self.at(now + 1)) == .search([.path, .subprotocol]))
    }

    @Test func `another network or another key may have another carrier, at once`() {
        var choice = CarrierChoice()
        _ = choice.succeeded(.path)
        choice.begin()
        #expect(choice.carrier == .path)
        #expect(choice.refused(.path, Self.forbidden, Self.at(1)) == .search([.cookie, .subprotocol]))
        choice.searchEnded(hasFound: false, Self.at(1))
        #expect(choice.refused(.path, Self.forbidden, Self.at(1)) == .accept)
        choice.begin()
        #expect(choice.refused(.path, Self.forbidden, Self.at(1)) == .search([.cookie, .subprotocol]))
    }

    @Test func `a change says what the answer was, and how to begin with what works`() {
        func change(_ refusal: DialFailure?) -> CarrierChange {
            CarrierChange(former: .cookie, carrier: .path, refusal: refusal)
        }
        #expect(change(Self.forbidden).cause == "a request in a cookie was answered 403 Forbidden")
        #expect(
            change(.at(Address(host: .name("a.test"), port: 1), Self.forbidden)).cause == change(Self.forbidden).cause)
        #expect(
            change(.unproven(.timedOut)).cause.hasPrefix("a request in a cookie was refused: the WebSocket was opened"))
        #expect(change(nil).cause == "a request in a cookie was refused")
        #expect(change(nil).advice.contains("set carrier = path in [client]"))
        let lines = LogLines()
        let place = Address(host: .name("a.test"), port: 80)
        let server = ServerEndpoint(address: place, name: place.host, hostHeader: "a.test", pathPrefix: "/")
        lines.log.carrierChanged(change(Self.forbidden), of: server)
        let line = lines.all.last
        #expect(line?.level == .notice)
        let text =
            "requests to server a.test:80 now ride in the path: a request in a cookie was answered 403 Forbidden; a front may "
        #expect(line?.text.hasPrefix(text) == true, "\(line?.text ?? "none")")
        for field in ["carrier=path", "former=cookie", "code=front-forbidden"] {
            #expect(line?.text.contains(field) == true)
        }
    }

    @Test func `only what a front may have done to a request has others tried`() {
        func refused(_ status: Int, _ change: (inout UpgradeAnswer) -> Void = { _ in }) -> DialFailure {
            var answer = UpgradeAnswer(status: status)
            answer.failure = .status(status)
            answer.carrier = .cookie
            change(&answer)
            return .refused(answer)
        }
        for status in [200, 400, 403, 404, 405, 406] {
            #expect(refused(status).mayBeCarriers)
            #expect(DialFailure.at(Address(host: .name("a.test"), port: 1), refused(status)).mayBeCarriers)
            #expect(!refused(status) { $0.carrier = nil }.mayBeCarriers, "version 1 has one carrier")
        }
        for status in [301, 401, 407, 413, 414, 429, 431, 500, 502, 503, 511] {
            #expect(!refused(status).mayBeCarriers)
        }
        #expect(!refused(400) { $0.complaint = .tooLarge }.mayBeCarriers)
        #expect(!refused(101) { $0.failure = .otherKey }.mayBeCarriers)
        #expect(!refused(101) { $0.failure = .unaskedSubprotocol }.mayBeCarriers)
        #expect(
            refused(101) {
                $0.failure = .unaskedSubprotocol
                $0.carrier = .subprotocol
            }.mayBeCarriers)
        for ending in [DialFailure.Ending.closed, .timedOut] { #expect(DialFailure.unproven(ending).mayBeCarriers) }
        for failure in [
            DialFailure.reset, .timedOut, .impostor(reason: "x"), .dismissed(.keyRevoked), .dismissed(.draining),
        ] {
            #expect(!failure.mayBeCarriers)
        }
    }
}
