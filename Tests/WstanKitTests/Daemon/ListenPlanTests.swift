import Glibc
import Testing

@testable import WstanKit

@Suite struct ListenPlanTests {
    private static func plan(_ host: String, _ port: UInt16 = 1080) throws -> [String] {
        try ListenPlan.entries(for: ListenAddress.tcp(host: host, port: port)).map {
            "\($0.address) \($0.mayBeMissing)"
        }
    }

    @Test(arguments: [
        ("0.0.0.0", ["0.0.0.0:1080 false"]), ("127.0.0.1", ["127.0.0.1:1080 false"]), ("::", ["[::]:1080 false"]),
        ("::1", ["[::1]:1080 false"]),
        // A host without IPv6 has only one of them.
        ("localhost", ["127.0.0.1:1080 false", "[::1]:1080 true"]),
    ])
    func `an address is itself, and localhost is both loopback addresses`(host: String, entries: [String]) throws {
        #expect(try Self.plan(host) == entries)
    }

    @Test(arguments: ["", "a b", "a/b", "1.2.3.4%eth0", "[::1"])
    func `what is neither an address nor a name is refused`(host: String) throws {
        let failure = try #require(throws: ListenPlan.Failure.self) { try Self.plan(host) }
        #expect(failure.description.contains("neither an address nor a name"))
    }

    @Test(arguments: [
        (EADDRINUSE, "choose another port"), (EADDRNOTAVAIL, "0.0.0.0"), (EACCES, "below 1024"),
        (EPERM, "Operation not permitted"),
    ])
    func `an error of binding says what to do`(code: Int32, words: String) {
        let address = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 80)
        let text = ListenPlan.text(SystemError(call: "bind", code: code), for: address)
        #expect(text.hasPrefix("cannot listen on 127.0.0.1:80: "))
        #expect(text.contains(words))
    }
}
