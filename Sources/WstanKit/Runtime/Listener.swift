import CLinux
import Glibc

/// A listening socket. It accepts on its own worker and deals the connections out, one worker after the other.
final class Listener: Pollable, @unchecked Sendable {
    /// A connection that nobody serves yet: its descriptor is to be taken over on `worker`.
    struct Arrival: Sendable {
        let descriptor: Int32
        let peer: SocketAddress
        let worker: Worker
    }

    enum Event {
        case accepted(Arrival)
        /// Out of descriptors or memory; accepting goes on by itself.
        case paused(SystemError)
    }

    let address: SocketAddress
    private let workers: [Worker]
    private let report: (Event) -> Void
    private var next = 0
    private var pause: Timers.ID?

    /// How long the listener waits when the system has nothing to give. It gets no event for what is queued already.
    private static let pauseLength: Duration = .milliseconds(100)

    /// - Parameter report: called on the listener's worker.
    init(
        _ address: SocketAddress, on worker: Worker, dealingTo workers: [Worker], report: @escaping (Event) -> Void
    ) throws(SystemError) {
        let descriptor = try Self.open(address)
        self.address = SocketAddress.read { getsockname(descriptor, $0, &$1) }.1 ?? address
        self.workers = workers
        self.report = report
        try super.init(descriptor: descriptor, worker: worker)
    }

    private static func open(_ address: SocketAddress) throws(SystemError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try SystemError.check("socket") { socket(address.family, type, 0) }
        SocketOption.reuseAddress.set(1, on: descriptor)
        // Inherited by what is accepted, which saves a call for each.
        SocketOption.noDelay.set(1, on: descriptor)
        if address.family == AF_INET6 { SocketOption.ipv6Only.set(1, on: descriptor) }
        do throws(SystemError) {
            _ = try SystemError.check("bind") { address.withSockaddr { bind(descriptor, $0, $1) } }
            _ = try SystemError.check("listen") { listen(descriptor, 4096) }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    override func handle(_ readiness: Readiness) {
        acceptSome()
    }

    override func close() {
        if let pause { worker.cancel(pause) }
        pause = nil
        super.close()
    }

    /// Datagram sockets and listeners go on until there is nothing left, in slices that leave room for others.
    private func acceptSome() {
        for _ in 0..<64 {
            guard !isClosed, pause == nil else { return }
            if Descriptors.areScarce {
                // What is left belongs to the targets of tunnels that are up.
                return rest(after: SystemError(call: "accept", code: EMFILE))
            }
            let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let (result, peer) = SocketAddress.read { accept4(descriptor, $0, &$1, flags) }
            let code = errno
            if result < 0 {
                switch code {
                case EAGAIN: return
                case EMFILE, ENFILE, ENOBUFS, ENOMEM: return rest(after: SystemError(call: "accept", code: code))
                // The connection was gone before it was accepted (accept(2)).
                default: continue
                }
            }
            guard let peer else {
                Glibc.close(result)
                continue
            }
            let worker = workers[next]
            next = (next + 1) % workers.count
            report(.accepted(Arrival(descriptor: result, peer: peer, worker: worker)))
        }
        worker.execute { [self] in acceptSome() }
    }

    private func rest(after error: SystemError) {
        report(.paused(error))
        pause = worker.schedule(after: Self.pauseLength) { [self] in
            pause = nil
            acceptSome()
        }
    }
}
