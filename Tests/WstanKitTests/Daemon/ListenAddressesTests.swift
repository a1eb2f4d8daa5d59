import Glibc
import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore
@testable import WstanKit

@Suite struct ListenAddressesTests {
    private static func plan(_ host: String, _ port: UInt16 = 1080) throws -> [String] {
        try words(ListenAddresses.entries(for: ListenAddress.tcp(host: host, port: port)))
    }

    private static func words(_ entries: [ListenAddresses.Entry]) -> [String] {
        entries.map { entry in
            switch entry.place {
            case .network(let address): "\(address) \(entry.mayBeMissing)"
            case .unix(let path): "unix:\(path)"
            }
        }
    }

    @Test(arguments: [
        ("0.0.0.0", ["0.0.0.0:1080 false"]), ("127.0.0.1", ["127.0.0.1:1080 false"]),
        ("::1", ["[::1]:1080 false"]), ("::ffff:127.0.0.1", ["127.0.0.1:1080 false"]),
        // A host may have only one of them.
        ("localhost", ["127.0.0.1:1080 true", "[::1]:1080 true"]), ("::", ["0.0.0.0:1080 true", "[::]:1080 true"]),
        ("0::0", ["0.0.0.0:1080 true", "[::]:1080 true"]),
    ])
    func `an address is itself, and localhost and [::] are of both IP versions`(host: String, entries: [String]) throws {
        #expect(try Self.plan(host) == entries)
    }

    @Test(arguments: [
        ("*:80", ["0.0.0.0:80 true", "[::]:80 true"]), ("0.0.0.0:80, [::]:80", ["0.0.0.0:80 false", "[::]:80 true"]),
        ("[::]:80, 0.0.0.0:80", ["[::]:80 true", "0.0.0.0:80 false"]),
        ("[::]:80, 127.0.0.1:80", ["[::]:80 true", "127.0.0.1:80 false"]),
        ("[::]:80, 127.0.0.1:81", ["0.0.0.0:80 true", "[::]:80 true", "127.0.0.1:81 false"]),
        ("[::]:0, 127.0.0.1:0", ["0.0.0.0:0 true", "[::]:0 true", "127.0.0.1:0 false"]),
        ("[::]:80, [::1]:81", ["0.0.0.0:80 true", "[::]:80 true", "[::1]:81 false"]),
    ])
    func `[::] leaves IPv4 to an address of IPv4 with the same port`(listen: String, entries: [String]) throws {
        let found = try ListenAddresses.entries(for: try ListenAddress.list(listen))
        #expect(found.flatMap(Self.words) == entries)
    }

    /// `*` beside another address was that address alone, and localhost beside 127.0.0.1 met itself.
    @Test(arguments: [
        ("*:80, 127.0.0.1:80", ["0.0.0.0:80 true", "[::]:80 true"]), ("192.0.2.1:80, *:80", ["0.0.0.0:80 true", "[::]:80 true"]),
        ("*:80, 0.0.0.0:80", ["0.0.0.0:80 true", "[::]:80 true"]), ("*:80, [::]:80", ["0.0.0.0:80 true", "[::]:80 true"]),
        ("[::]:80, *:80, localhost:80", ["0.0.0.0:80 true", "[::]:80 true"]), ("*:80, [2001:db8::1]:80", ["0.0.0.0:80 true", "[::]:80 true"]),
        ("localhost:80, 127.0.0.1:80", ["127.0.0.1:80 true", "[::1]:80 true"]),
        ("127.0.0.1:80, localhost:80", ["127.0.0.1:80 true", "[::1]:80 true"]),
        ("[::1]:80, localhost:80", ["127.0.0.1:80 true", "[::1]:80 true"]),
        ("127.0.0.1:80, 127.0.0.1:80, [::ffff:127.0.0.1]:80", ["127.0.0.1:80 false"]), ("0.0.0.0:80, 127.0.0.1:80", ["0.0.0.0:80 false"]),
        ("127.0.0.1:80, 0.0.0.0:80, localhost:80", ["0.0.0.0:80 false", "[::1]:80 true"]), ("[::1]:80, [::]:80", ["0.0.0.0:80 true", "[::]:80 true"]),
        ("*:0, 127.0.0.1:0", ["0.0.0.0:0 true", "[::]:0 true", "127.0.0.1:0 false"]), ("*:80, 127.0.0.1:81", ["0.0.0.0:80 true", "[::]:80 true", "127.0.0.1:81 false"]),
        ("unix:/run/a, unix:/run/a, unix:/run/b", ["unix:/run/a", "unix:/run/b"]),
    ])
    func `places that overlap are one`(listen: String, entries: [String]) throws {
        let found = try ListenAddresses.entries(for: try ListenAddress.list(listen)).flatMap { $0 }
        #expect(Set(Self.words(found)) == Set(entries) && found.count == entries.count)
    }

    /// On a host without IPv6 the rest of localhost is missing, and the address that covers the other half is there.
    @Test func `what is left of an address may be missing alone`() throws {
        let found = try ListenAddresses.entries(for: try ListenAddress.list("0.0.0.0:80, localhost:80"))
        #expect(found.map { $0.map(\.isRest) } == [[false], [true]])
        #expect(try ListenAddresses.entries(for: try ListenAddress.list("localhost:80")).map { $0.map(\.isRest) } == [[false, false]])
    }

    @Test func `an address of IPv6 may have an interface`() throws {
        let loopback = if_nametoindex("lo")
        for zone in ["lo", "\(loopback)"] {
            let entry = try #require(try ListenAddresses.entries(for: ListenAddress.tcp(host: "fe80::1%\(zone)", port: 80)).first)
            #expect(entry.place == .network(.ipv6(IPv6Address(high: 0xfe80 << 48, low: 1), port: 80, scope: loopback)))
        }
        let failure = try #require(throws: ListenAddresses.Failure.self) { try Self.plan("fe80::1%nosuch0") }
        #expect(failure.description.contains("no interface nosuch0; ip link"))
    }

    @Test(arguments: ["", "a b", "a/b", "1.2.3.4%eth0", "[::1"])
    func `what is neither an address nor a name is refused`(host: String) throws {
        let failure = try #require(throws: ListenAddresses.Failure.self) { try Self.plan(host) }
        #expect(failure.description.contains("neither an address nor a name"))
    }

    @Test(arguments: [
        (EADDRINUSE, "choose another port"), (EADDRNOTAVAIL, "*:PORT"), (EACCES, "below 1024"),
        (EPERM, "Operation not permitted"),
    ])
    func `an error of binding says what to do`(code: Int32, words: String) {
        let address = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 80)
        let text = ListenAddresses.text(SystemError(call: "bind", code: code), for: address)
        #expect(text.hasPrefix("cannot listen on 127.0.0.1:80: "))
        #expect(text.contains(words))
    }

    @Test func `a path is itself`() throws {
        let entries = try ListenAddresses.entries(for: .unix("/run/wstand/socks"))
        #expect(entries.count == 1)
        guard case .unix("/run/wstand/socks") = entries[0].place else {
            Issue.record("another case")
            return
        }
    }

    @Test(arguments: [
        (UnixListener.Failure.taken(nil), "another program listens there already; choose another path"),
        (.otherFile, "no socket; choose another path, or remove it"),
        (.system(SystemError(call: "bind", code: ENOENT)), "no directory /run/wstand; make it"),
        (.system(SystemError(call: "bind", code: EACCES)), "allowed to write in /run/wstand"),
        (.system(SystemError(call: "bind", code: ENAMETOOLONG)), "above 107 bytes"),
        (.system(SystemError(call: "listen", code: ENOMEM)), "Cannot allocate memory"),
    ])
    func `an error of a Unix socket says what to do`(failure: UnixListener.Failure, words: String) {
        let text = ListenAddresses.text(failure, for: "/run/wstand/socks")
        #expect(text.hasPrefix("cannot listen on unix:/run/wstand/socks: "))
        #expect(text.contains(words))
    }
}
