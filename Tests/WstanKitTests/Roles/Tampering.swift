@testable import WstanBase
@testable import WstanCore

/// Stands between a client and a server: passes heads on as they are, and of the frames of one direction what the test
/// makes of them. Confined to its worker.
final class Tampering: @unchecked Sendable {
    enum Direction: CaseIterable {
        case up
        case down
    }

    enum Fault: CaseIterable {
        case flip
        case drop
        case twice
        case swap
        case cut
    }

    private let worker: Worker
    private let server: Address
    private let direction: Direction
    private let fault: Fault
    /// Frames of the direction that pass before; M2 is one.
    private let unharmed: Int
    private var listener: Listener?

    init(_ fault: Fault, _ direction: Direction, after unharmed: Int, on worker: Worker, before server: Address) throws
    {
        self.worker = worker
        self.server = server
        self.direction = direction
        self.fault = fault
        self.unharmed = unharmed
        listener = try RolesStage.listen(on: worker) { [self] arrival in
            guard let near = try? WstanCore.Stream(arrival) else { return }
            worker.spawn { await self.relay(near) }
        }
    }

    var place: Address {
        guard let listener else { preconditionFailure("it listens") }
        return RolesStage.place(of: listener)
    }

    private func relay(_ near: WstanCore.Stream) async {
        let place = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: server.port)
        guard
            let far = try? await WstanCore.Stream.connect(
                to: place, worker: worker, deadline: worker.now + .seconds(30))
        else { return near.close() }
        worker.spawn { await self.pass(from: far, to: near, self.direction == .down) }
        await pass(from: near, to: far, direction == .up)
    }

    private func pass(from source: WstanCore.Stream, to sink: WstanCore.Stream, _ isFaulty: Bool) async {
        var reader = RawFrames()
        var count = 0
        var kept: [UInt8] = []
        while await source.waitReadable() == .ready {
            let body = worker.scratch.body()
            switch source.read(into: body) {
            case .bytes(let size):
                let units = reader.append(Array(body[..<size]))
                for unit in units {
                    count += 1
                    // The head is the first.
                    guard isFaulty, count > unharmed + 1 else {
                        sink.write(unit)
                        continue
                    }
                    guard harm(unit, count - unharmed - 2, &kept, sink) else {
                        sink.abort()
                        return source.abort()
                    }
                }
            case .wouldBlock: continue
            case .end: return sink.finish()
            case .failed: return sink.abort()
            }
        }
        sink.abort()
    }

    /// - Returns: false when the connection is to be cut.
    private func harm(_ frame: [UInt8], _ number: Int, _ kept: inout [UInt8], _ sink: WstanCore.Stream) -> Bool {
        switch fault {
        case .flip where number == 0:
            var frame = frame
            frame[frame.count - 1] ^= 1
            sink.write(frame)
        case .drop where number == 0: break
        case .twice where number == 0: sink.write(frame + frame)
        case .swap where number == 0: kept = frame
        case .swap where number == 1: sink.write(frame + kept)
        case .cut: return false
        default: sink.write(frame)
        }
        return true
    }
}

/// Bytes as an HTTP head and then whole frames.
struct RawFrames {
    private var bytes: [UInt8] = []
    private var hasHead = false

    mutating func append(_ more: [UInt8]) -> [[UInt8]] {
        bytes += more
        var units: [[UInt8]] = []
        while let size = hasHead ? frameSize : headSize, size <= bytes.count {
            units.append(Array(bytes[..<size]))
            bytes.removeFirst(size)
            hasHead = true
        }
        return units
    }

    private var headSize: Int? {
        let end = Array("\r\n\r\n".utf8)
        guard bytes.count >= end.count else { return nil }
        return (0...(bytes.count - end.count)).first { bytes[$0..<($0 + end.count)].elementsEqual(end) }.map {
            $0 + end.count
        }
    }

    private var frameSize: Int? {
        guard bytes.count >= 2 else { return nil }
        let mask = bytes[1] & 0x80 == 0 ? 0 : 4
        switch bytes[1] & 0x7f {
        case 126: return bytes.count < 4 ? nil : 4 + mask + (Int(bytes[2]) << 8 | Int(bytes[3]))
        case 127: return bytes.count < 10 ? nil : 10 + mask + bytes[2..<10].reduce(0) { $0 << 8 | Int($1) }
        case let count: return 2 + mask + Int(count)
        }
    }
}
