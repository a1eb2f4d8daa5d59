import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite struct ConnectObservationTests {
    private static let ipv4 = SocketAddress.ipv4(IPv4Address(0xc000_0201), port: 443)
    private static let ipv6 = SocketAddress.ipv6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1), port: 443, scope: 0)

    private static func attempt(_ address: SocketAddress, _ code: Int32? = nil) -> ConnectObservation.Attempt {
        guard let code else { return .init(address: address, outcome: .success(.milliseconds(12))) }
        return .init(address: address, outcome: .failure(SystemError(call: "connect", code: code)))
    }

    private static func finding(
        _ attempts: ConnectObservation.Attempt..., station: Station = .server
    ) -> Finding {
        ConnectObservation(station: station, attempts: attempts).finding
    }

    @Test func `a connection is told with its address and its time`() {
        let finding = Self.finding(Self.attempt(Self.ipv4))
        #expect(finding.level == .ok)
        #expect(finding.text == "the server accepts connections: 192.0.2.1:443 within 12 ms")
        #expect(Self.finding(Self.attempt(Self.ipv4), station: .proxy).text.hasPrefix("the proxy on the way accepts"))
    }

    @Test(arguments: [
        (ECONNREFUSED, "wstand runs there"), (ETIMEDOUT, "firewall may drop"), (ENETUNREACH, "ip route"),
        (EHOSTUNREACH, "the host is up"), (ECONNRESET, "another port"), (EMFILE, "descriptors"),
        (EPERM, "firewall of this host"),
    ])
    func `each failure has its remedy`(code: Int32, words: String) throws {
        let finding = Self.finding(Self.attempt(Self.ipv4, code))
        #expect(finding.level == .failed(.reach))
        #expect(finding.text.contains("192.0.2.1:443: \(SystemError.text(code))"))
        #expect(try #require(finding.remedy).contains(words))
    }

    @Test(arguments: [ECONNREFUSED, ETIMEDOUT])
    func `a proxy that is not there is to be corrected where it is named`(code: Int32) throws {
        let finding = Self.finding(Self.attempt(Self.ipv4, code), station: .proxy)
        #expect(finding.text.hasPrefix("cannot reach the proxy on the way: "))
        #expect(try #require(finding.remedy).contains("HTTPS_PROXY"))
    }

    @Test func `one dead address of several is a warning`() throws {
        let finding = Self.finding(Self.attempt(Self.ipv6, ETIMEDOUT), Self.attempt(Self.ipv4))
        #expect(finding.level == .warning)
        #expect(finding.text.contains("[2001:db8::1]:443 not (Connection timed out)"))
        #expect(try #require(finding.remedy).contains("records"))
    }

    @Test func `a host without IPv6 is no fault`() {
        #expect(Self.finding(Self.attempt(Self.ipv6, ENETUNREACH), Self.attempt(Self.ipv4)).level == .ok)
        // Nor is it what keeps a server from being reached, if something else does.
        let finding = Self.finding(Self.attempt(Self.ipv6, ENETUNREACH), Self.attempt(Self.ipv4, ECONNREFUSED))
        #expect(finding.remedy?.contains("wstand runs there") == true)
    }

    @Test func `no address at all is a failure`() {
        #expect(Self.finding().level == .failed(.reach))
    }
}

@Suite struct LookUpObservationTests {
    private static let ipv4 = LookUpObservation.Answer.success([.ipv4(IPv4Address(0xc000_0201), port: 1)])
    private static let ipv6 = LookUpObservation.Answer.success([
        .ipv6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 1), port: 1, scope: 0)
    ])

    private static func sighting(
        _ ipv6: LookUpObservation.Answer, _ ipv4: LookUpObservation.Answer, took: Duration = .milliseconds(3)
    ) -> LookUpObservation {
        LookUpObservation(name: "a.test", ipv6: ipv6, ipv4: ipv4, took: took)
    }

    @Test func `addresses are told, and those of IPv6 are tried first`() {
        let sighting = Self.sighting(Self.ipv6, Self.ipv4)
        #expect(sighting.addresses.map(\.family) == [AF_INET6, AF_INET])
        #expect(sighting.finding == .ok("name", "a.test is 2001:db8::1, 192.0.2.1, looked up within 3 ms"))
        #expect(Self.sighting(.failure(.notFound), Self.ipv4).finding.level == .ok)
    }

    @Test func `slow name servers, and those that are silent about one family, are a warning`() {
        #expect(Self.sighting(Self.ipv6, Self.ipv4, took: .seconds(5)).finding.text.contains("5 s, which is slow"))
        let silent = Self.sighting(.failure(.timedOut), Self.ipv4, took: .seconds(10)).finding
        #expect(silent.level == .warning)
        #expect(silent.text.contains("nothing about its IPv6"))
        #expect(Self.sighting(Self.ipv6, .failure(.unavailable)).finding.text.contains("nothing about its IPv4"))
    }

    @Test func `a name that does not exist is told from servers that say nothing`() {
        let missing = Self.sighting(.failure(.notFound), .failure(.notFound)).finding
        #expect(missing.level == .failed(.reach))
        #expect(missing.text.contains("does not exist"))
        #expect(missing.remedy?.contains("host in uri") == true)
        for cause in [Resolver.Failure.unavailable, .timedOut] {
            let silent = Self.sighting(.failure(.notFound), .failure(cause)).finding
            #expect(silent.text.contains(cause.text))
            #expect(silent.remedy?.contains("resolv.conf") == true)
        }
    }
}
