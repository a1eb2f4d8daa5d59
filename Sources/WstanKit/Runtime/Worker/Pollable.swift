import CLinux
import Glibc

/// What epoll says of a descriptor.
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer has shut down its sending side.
    static let peerFinished = Readiness(rawValue: EPOLLRDHUP.rawValue)
    /// Both sides are shut down, or the connection was reset.
    static let gone: Readiness = [.hungUp, .broken]
    /// Both sides are shut down. A Unix socket is so as soon as its peer is closed, also with bytes to read.
    static let hungUp = Readiness(rawValue: EPOLLHUP.rawValue)
    static let broken = Readiness(rawValue: EPOLLERR.rawValue)
}

/// Something with a descriptor that a worker watches. Confined to the worker.
package class Pollable: @unchecked Sendable {
    package let worker: Worker
    /// -1 once closed.
    package private(set) var descriptor: Int32
    /// Tells this registration from an earlier one of the same descriptor.
    var generation: UInt32 = 0
    /// Whether another process holds the same open socket, so that it lasts when it is closed here.
    var isShared = false
    /// Of a peer that has not said yet what it wants: its events wait for the turn of their source. Nil: they are handled at once.
    var handshakePlace: HandshakePlace?
    /// What waits for that turn.
    var deferred: Readiness = []

    /// Takes the descriptor over: it is closed with this.
    init(descriptor: Int32, worker: Worker) throws(SystemError) {
        self.descriptor = descriptor
        self.worker = worker
        do {
            try worker.register(self)
        } catch {
            Glibc.close(descriptor)
            self.descriptor = -1
            throw error
        }
        Descriptors.opened()
    }

    deinit {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        Descriptors.closed()
    }

    var isClosed: Bool { descriptor < 0 }

    /// Called for every event, on the worker.
    func handle(_ readiness: Readiness) {}

    package func close() {
        guard descriptor >= 0 else { return }
        worker.deregister(self)
        Glibc.close(descriptor)
        Descriptors.closed()
        descriptor = -1
    }
}
