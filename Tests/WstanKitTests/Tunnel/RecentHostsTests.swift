import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct RecentHostsTests {
    private static func host(_ number: Int) -> Host { .ipv4(IPv4Address(UInt32(number))) }

    @Test func `it never holds more than it may, and always the youngest half`() {
        var hosts = RecentHosts(capacity: 16)
        for number in 0..<1000 {
            hosts.insert(Self.host(number))
            #expect(hosts.count <= 16)
            for recent in max(0, number - 7)...number where !hosts.contains(Self.host(recent)) {
                Issue.record("\(recent) is forgotten after \(number)")
            }
        }
        #expect(!hosts.contains(Self.host(0)))
    }

    @Test func `what is used stays`() {
        var hosts = RecentHosts(capacity: 16)
        for number in 1..<1000 {
            hosts.insert(Self.host(0))
            hosts.insert(Self.host(number))
            #expect(hosts.contains(Self.host(0)))
        }
    }
}
