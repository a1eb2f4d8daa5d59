import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore
@testable import WstanKit

@Suite struct ListeningSocketsTests {
    private static let head =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

    /// - Parameter address: as the kernel writes it on a machine with the least significant byte first.
    private static func line(_ address: String, state: String = "0A", inode: Int = 7) -> String {
        "   0: \(address) 00000000:0000 \(state) 00000000:00000000 00:00000000 00000000  1000        0 \(inode) 1 0 100\n"
    }

    private static func ipv4(_ value: UInt32, _ port: UInt16) -> SocketAddress { .ipv4(IPv4Address(value), port: port) }

    private static func ipv6(_ low: UInt64, _ port: UInt16) -> SocketAddress {
        .ipv6(IPv6Address(high: 0, low: low), port: port, scope: 0)
    }

    @Test func `the kernel's tables are read`() {
        let sockets = ListeningSockets(
            ipv4: Self.head + Self.line("0100007F:1F90") + Self.line("0100007F:0050", state: "01")
                + Self.line("00000000:01BB", inode: 8),
            ipv6: Self.head + Self.line("00000000000000000000000001000000:0016", inode: 9))
        #expect(
            sockets.all == [
                .init(address: Self.ipv4(0x7f00_0001, 8080), inode: 7), .init(address: Self.ipv4(0, 443), inode: 8),
                .init(address: Self.ipv6(1, 22), inode: 9),
            ])
    }

    @Test func `what is no table gives nothing`() {
        let line = Self.line("0100007F:1F90")
        for count in 0..<60 { #expect(ListeningSockets(ipv4: String(line.prefix(count)), ipv6: "").all.isEmpty) }
        for address in ["", ":", "0100007F", "0100007F:1F90F", "0100007G:1F90", "01:02:03", "0100007F0100007F:1F90"] {
            #expect(ListeningSockets(ipv4: Self.line(address), ipv6: "").all.isEmpty, "\(address)")
        }
    }

    @Test func `a socket elsewhere than the configuration says is found`() {
        func elsewhere(_ bound: String, than wanted: SocketAddress) -> Int {
            ListeningSockets(ipv4: "", ipv6: Self.line(bound)).elsewhere(than: wanted).count
        }
        let loopback = "0100007F:1F90", every = "00000000:1F90"
        let every6 = String(repeating: "0", count: 32) + ":1F90"
        #expect(elsewhere(loopback, than: Self.ipv4(0, 8080)) == 1)
        #expect(elsewhere(every, than: Self.ipv4(0x7f00_0001, 8080)) == 1)
        #expect(elsewhere(every, than: Self.ipv6(0, 8080)) == 1)
        #expect(elsewhere(loopback, than: Self.ipv4(0x7f00_0001, 8080)) == 0)
        #expect(elsewhere(every6, than: Self.ipv4(0, 8080)) == 0, "both families")
        #expect(elsewhere(every6, than: Self.ipv4(0x7f00_0001, 8080)) == 1)
        #expect(elsewhere(loopback, than: Self.ipv4(0, 8081)) == 0, "nothing is known of that port")
    }

    @Test func `a socket of this process is found with its owner`() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        try #require(Loopback.ipv4.withSockaddr { bind(descriptor, $0, $1) } == 0 && listen(descriptor, 1) == 0)
        var bound = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &bound) { bytes in
            _ = getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
        }
        let port = UInt16(bigEndian: bound.sin_port)
        let sockets = ListeningSockets.current()
        #expect(sockets.on(port).map(\.address) == [Self.ipv4(0x7f00_0001, port)])
        #expect(sockets.elsewhere(than: Self.ipv4(0, port)) == [Self.ipv4(0x7f00_0001, port)])
        // A child that another test starts at this moment has it, too.
        #expect(sockets.owners(of: port).contains { $0.process == getpid() })
        #expect(sockets.addresses(of: getpid()).contains(Self.ipv4(0x7f00_0001, port)))
    }
}
