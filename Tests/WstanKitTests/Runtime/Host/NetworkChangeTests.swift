import CLinux
import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct NetworkChangeTests {
    private static let ipv4 = SocketAddress.ipv4(IPv4Address(0x0a63_0001), port: 0)
    private static let ipv6 = SocketAddress.ipv6(IPv6Address(high: 0x2001_0db8 << 32, low: 7), port: 0, scope: 0)

    private static func read(_ bytes: [UInt8]) -> NetworkChange {
        var change = NetworkChange()
        bytes.withUnsafeBytes { RouteMessages.read($0, into: &change) }
        return change
    }

    @Test func `an address that has come or gone is told, the host's own before the other end's`() {
        for type in [RTM_NEWADDR, RTM_DELADDR] {
            let message = RouteMessage.address(
                type: type, family: AF_INET, [(Int(IFA_ADDRESS), [10, 99, 0, 2]), (Int(IFA_LOCAL), [10, 99, 0, 1])])
            let change = Self.read(message)
            #expect(change.addresses == [Self.ipv4])
            #expect(!change.touchesDefaultRoute && !change.mayBeAnything && !change.hasMore)
        }
        let bytes: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
        let message = RouteMessage.address(type: RTM_NEWADDR, family: AF_INET6, [(Int(IFA_ADDRESS), bytes)])
        #expect(Self.read(message).addresses == [Self.ipv6])
    }

    @Test func `only a route of the main table that may lead anywhere is a default route`() {
        for (length, table, isDefault) in [(0, 254, true), (1, 254, true), (8, 254, false), (0, 100, false)] {
            let change = Self.read(RouteMessage.route(length: length, table: table))
            #expect(change.touchesDefaultRoute == isDefault)
            #expect(change.hasMore == !isDefault)
        }
        #expect(Self.read(RouteMessage.route(length: 32, table: 255)).isEmpty)
        #expect(Self.read(RouteMessage.route(length: 0, table: 254, flags: UInt32(RTM_F_CLONED))).isEmpty)
    }

    @Test func `several messages in one datagram are all read`() {
        let change = Self.read(
            RouteMessage.address(type: RTM_DELADDR, family: AF_INET, [(Int(IFA_LOCAL), [10, 99, 0, 1])])
                + RouteMessage.route(length: 0, table: 254) + RouteMessage.message(Int(RTM_NEWRULE), [0, 0]))
        #expect(change.addresses == [Self.ipv4])
        #expect(change.touchesDefaultRoute && change.hasMore)
    }

    @Test func `what makes no sense may mean anything, and nothing is read beyond its end`() {
        let whole =
            RouteMessage.address(type: RTM_NEWADDR, family: AF_INET, [(Int(IFA_LOCAL), [10, 99, 0, 1])])
            + RouteMessage.route(length: 0, table: 254)
        for count in 0..<whole.count {
            let change = Self.read(Array(whole[..<count]))
            #expect(!change.touchesDefaultRoute)
        }
        #expect(Self.read(RouteMessage.message(Int(RTM_NEWADDR), [2])).mayBeAnything)
        #expect(Self.read(RouteMessage.message(Int(RTM_NEWROUTE), [2, 0, 0, 0])).mayBeAnything)
        #expect(Self.read([8, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).mayBeAnything)
        #expect(Self.read(RouteMessage.message(Int(NLMSG_OVERRUN), [])).mayBeAnything)
        #expect(Self.read([255, 255, 255, 255] + [UInt8](repeating: 255, count: 60)).mayBeAnything)
        // An address without an address.
        #expect(Self.read(RouteMessage.address(type: RTM_NEWADDR, family: AF_INET, [(2, [1])])).mayBeAnything)
    }

    @Test func `a flood of addresses is bounded`() {
        var change = NetworkChange()
        for number in 0..<1000 { change.insert(.ipv4(IPv4Address(UInt32(number)), port: 0)) }
        #expect(change.addresses.count == NetworkChange.mostAddresses)
        #expect(change.mayBeAnything)
    }

    @Test func `a change concerns the addresses that it names, whatever their ports`() {
        var change = NetworkChange()
        change.hasMore = true
        #expect(!change.concerns(Self.ipv4.withPort(80)))
        change.insert(Self.ipv4)
        #expect(change.concerns(Self.ipv4.withPort(80)))
        #expect(!change.concerns(Self.ipv6))
        change.touchesDefaultRoute = true
        #expect(change.concerns(Self.ipv6))
    }

    @Test func `the kernel tells which address it would use, and which ones are ours`() throws {
        let loopback = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 9)
        #expect(try #require(LocalRoute.source(toward: loopback)).hasSameHost(as: loopback))
        #expect(LocalRoute.isOurs(loopback))
        // TEST-NET-1, RFC 5737: nobody's.
        #expect(!LocalRoute.isOurs(.ipv4(IPv4Address(0xc000_0201), port: 0)))
    }

    @Test func `a watcher listens, and ends with its socket`() async throws {
        try await WorkerThread.run { worker in
            let watcher = try NetworkWatcher(on: worker) { _ in }
            await worker.settle()
            watcher.close()
            #expect(watcher.isClosed)
        }
    }
}

/// Messages as the kernel would send them.
enum RouteMessage {
    static func message(_ type: Int, _ body: [UInt8]) -> [UInt8] {
        var header = nlmsghdr()
        header.nlmsg_len = UInt32(MemoryLayout<nlmsghdr>.size + body.count)
        header.nlmsg_type = UInt16(type)
        return padded(withUnsafeBytes(of: header) { Array($0) } + body)
    }

    static func address(type: some BinaryInteger, family: Int32, _ attributes: [(Int, [UInt8])]) -> [UInt8] {
        var head = ifaddrmsg()
        head.ifa_family = UInt8(family)
        return message(Int(type), withUnsafeBytes(of: head) { Array($0) } + attributes.flatMap { attribute($0, $1) })
    }

    static func route(length: Int, table: Int, flags: UInt32 = 0) -> [UInt8] {
        var head = rtmsg()
        head.rtm_family = UInt8(AF_INET)
        head.rtm_dst_len = UInt8(length)
        head.rtm_table = UInt8(table)
        head.rtm_flags = flags
        return message(Int(RTM_NEWROUTE), withUnsafeBytes(of: head) { Array($0) })
    }

    private static func attribute(_ type: Int, _ value: [UInt8]) -> [UInt8] {
        var head = rtattr()
        head.rta_len = UInt16(MemoryLayout<rtattr>.size + value.count)
        head.rta_type = UInt16(type)
        return padded(withUnsafeBytes(of: head) { Array($0) } + value)
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    }
}
