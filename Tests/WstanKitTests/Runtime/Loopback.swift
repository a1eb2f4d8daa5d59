import Glibc
import Testing

@testable import WstanBase
@testable import WstanCore

/// Connected sockets within this host.
enum Loopback {
    static let ipv4 = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 0)
    static let ipv6 = SocketAddress.ipv6(IPv6Address(high: 0, low: 1), port: 0, scope: 0)

    /// Whether this host has ::1; containers often have not.
    static let hasIPv6: Bool = {
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return ipv6.withSockaddr { bind(descriptor, $0, $1) } == 0
    }()

    struct NoArrival: Error {}

    /// Two ends of one connection, the near one being the side that connected.
    static func pair(
        on worker: Worker, _ address: SocketAddress = ipv4
    ) async throws -> (near: WstanCore.Stream, far: WstanCore.Stream) {
        let arrival = Wait<Listener.Arrival?>(worker: worker)
        let listener = try Listener(address, on: worker, dealingTo: [worker]) { event in
            if case .accepted(let accepted) = event { arrival.fulfill(accepted) }
        }
        defer { listener.close() }
        let near = try await WstanCore.Stream.connect(
            to: listener.address, worker: worker, deadline: worker.now + .seconds(30))
        guard let accepted = await arrival.value(onTimeout: nil, onCancel: nil) else { throw NoArrival() }
        return (near, try WstanCore.Stream(descriptor: accepted.descriptor, worker: worker))
    }

    /// Makes the kernel take little at a time, so that bytes have to wait.
    static func tighten(_ stream: WstanCore.Stream) {
        SocketOption(level: SOL_SOCKET, name: SO_SNDBUF).set(16 * 1024, on: stream.descriptor)
        SocketOption(level: SOL_SOCKET, name: SO_RCVBUF).set(16 * 1024, on: stream.descriptor)
    }

    /// Bytes whose order shows: what repeats is no power of two long.
    static func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededRandomness(seed: seed)
        let piece = random.bytes(4093)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + piece.count)
        while bytes.count < count { bytes += piece }
        return Array(bytes.prefix(count))
    }
}

extension WstanCore.Stream {
    enum Ending: Equatable {
        case end
        case failed(Int32)
        case other
    }

    /// Reads `size` bytes at a time until nothing more can come, giving the others their turn in between.
    func readAll(piecesOf size: Int = 64 * 1024) async -> (bytes: [UInt8], ending: Ending) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        var bytes: [UInt8] = []
        while true {
            guard await waitReadable() == .ready else { return (bytes, .other) }
            switch read(into: buffer) {
            case .bytes(let count): bytes.append(contentsOf: buffer[..<count])
            case .end: return (bytes, .end)
            case .failed(let error): return (bytes, .failed(error.code))
            case .wouldBlock: break
            }
            await worker.yield()
        }
    }
}

/// Places where connections come to nothing.
extension Loopback {
    /// Bound and not listening: it refuses, and no other socket gets its port meanwhile.
    static func refusingAddress() throws -> (address: SocketAddress, descriptor: Int32) {
        let descriptor = try SystemError.check("socket") { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
        _ = try SystemError.check("bind") { Loopback.ipv4.withSockaddr { bind(descriptor, $0, $1) } }
        return (try #require(SocketAddress.read { getsockname(descriptor, $0, &$1) }.1), descriptor)
    }

    /// Listens with a backlog of none, which one connection fills: the next one is not answered at all.
    static func silentAddress() throws -> (address: SocketAddress, all: [Int32]) {
        let (address, descriptor) = try refusingAddress()
        _ = try SystemError.check("listen") { listen(descriptor, 0) }
        let filler = try SystemError.check("socket") { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
        _ = try SystemError.check("connect") { address.withSockaddr { connect(filler, $0, $1) } }
        return (address, [descriptor, filler])
    }
}
