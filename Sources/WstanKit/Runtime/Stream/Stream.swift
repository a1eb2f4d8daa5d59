import CLinux
import Glibc
import WstanBase

/// A connected TCP or Unix socket, with TLS on it or without. Reads never wait; writes never wait either: what the
/// kernel does not take is kept in order and sent when it can, and what produces bytes waits in `waitDrained` before it
/// produces more.
///
/// A failure is told to the reader. Waits end by readiness, by a deadline or by `close`.
package final class Stream: Pollable, @unchecked Sendable {
    package enum ReadResult {
        /// So many bytes, at least one.
        case bytes(Int)
        /// The peer has shut down its sending side, and all it sent was read.
        case end
        /// Nothing now.
        case wouldBlock
        case failed(SystemError)
    }

    package enum Wake {
        case ready
        case timedOut
        /// Closed, or about to be: there is nothing to read for anybody.
        case closed
        /// Somebody wants the reader to look at something else first.
        case interrupted
    }

    /// When bytes last came; for finding dead peers.
    private(set) var lastReceived: Instant
    /// What has been read and written; under TLS, what is inside it.
    private(set) var traffic = Traffic()
    /// The first failure of this socket.
    private(set) var failure: SystemError?

    private(set) var isReadable = false
    private var isWritable: Bool
    private(set) var peerHasFinished = false
    private(set) var hasReadEnd = false
    private var hasHungUp = false
    /// Over a Unix socket, which has no addresses. What TCP knows of a connection has to be known otherwise there.
    let isUnix: Bool
    /// Only of a Unix socket: the peer has closed it, or shut down both of its sides. What it sent before can be read.
    package private(set) var peerHasClosed = false
    private var outbox = Outbox()
    private var reader: UnsafeContinuation<Wake, Never>?
    /// Waits in `connect`.
    var connecter: UnsafeContinuation<Wake, Never>?
    private var drainWaiters: [UnsafeContinuation<Void, Never>] = []
    private var lingering: LingeringClose?
    /// Seals what is written and opens what is read.
    package private(set) var tls: TLSSession?
    /// What this stream's buffers count for in the worker's budget.
    private var charged = 0
    /// Called when the peer has finished or is gone, and when this has failed or was closed: for a task that waits for
    /// another stream on behalf of this one.
    package var onPeerGone: (() -> Void)?
    /// Called once, when it is closed.
    var whenClosed: (() -> Void)?
    private var finishing = Finishing.no

    private enum Finishing {
        case no
        /// The sending side is shut down when the outbox is empty. Can become: finished.
        case whenDrained
        case finished
    }

    /// Takes over a connected, or connecting, non-blocking socket.
    package init(
        descriptor: Int32, worker: Worker, isConnected: Bool = true, isUnix: Bool = false
    ) throws(SystemError) {
        isWritable = isConnected
        self.isUnix = isUnix
        lastReceived = worker.now
        try super.init(descriptor: descriptor, worker: worker)
    }

    // MARK: Reading

    /// Waits until `read` has something to say.
    package func waitReadable(deadline: Instant? = nil) async -> Wake {
        if isClosed || lingering != nil { return .closed }
        if isReadable { return .ready }
        guard let deadline else { return await withUnsafeContinuation { reader = $0 } }
        return await wait(until: deadline) {
            reader = $0
        } onTimeout: { [self] in
            resume(&reader, .timedOut)
        }
    }

    /// Ends a `waitReadable` that is under way, if there is one.
    func interruptReader() {
        resume(&reader, .interrupted)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
        worker.assertIsCurrent()
        guard !isClosed else { return .failed(SystemError(call: "read", code: EBADF)) }
        return counted(tls?.read(into: buffer) ?? receive(into: buffer))
    }

    @inline(__always)
    func counted(_ result: ReadResult) -> ReadResult {
        if case .bytes(let count) = result { traffic.received &+= UInt64(count) }
        return result
    }

    /// What the socket has, as it is.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> ReadResult {
        receive(upTo: buffer.count) { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
    }

    @inline(__always)
    func receive(upTo capacity: Int, _ call: () -> Int) -> ReadResult {
        while true {
            let count = call()
            if count > 0 {
                lastReceived = worker.now
                // After a short read the next one would find nothing: the next event says when it does. But an end that
                // came with these bytes makes no event of its own (epoll(7), edge-triggered).
                if count < capacity, !peerHasFinished { isReadable = false }
                return .bytes(count)
            }
            if count == 0 { return end() }
            let code = errno
            switch code {
            case EINTR:
                continue
            case EAGAIN:
                if let failure { return .failed(failure) }
                isReadable = false
                return .wouldBlock
            default:
                fail(SystemError(call: "read", code: code))
                return .failed(SystemError(call: "read", code: code))
            }
        }
    }

    /// The peer has said, or shown, that nothing more will come.
    func end() -> ReadResult {
        peerHasFinished = true
        isReadable = true
        // The kernel tells an error once: after a reset that a write has met this looks like an end.
        if let failure { return .failed(failure) }
        hasReadEnd = true
        return .end
    }

    /// Bytes have come that the socket knows nothing of any more.
    func expectInput() {
        isReadable = true
    }

    /// There are bytes, but the others come first.
    func giveWay() {
        isReadable = false
        worker.execute { [self] in
            guard !isClosed else { return }
            isReadable = true
            if let lingering { lingering.proceed() } else { resume(&reader, .ready) }
        }
    }

    // MARK: Writing

    /// Bytes that wait for the kernel to take them.
    package var pendingCount: Int { outbox.count }

    /// Called whenever everything that was held has been sent.
    var whenDrained: (() -> Void)?

    /// Sends, and keeps what the kernel does not take. After a failure, or `close`, it does nothing: the reader is
    /// told.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        worker.assertIsCurrent()
        guard !isClosed, failure == nil, finishing == .no, !bytes.isEmpty else { return }
        traffic.sent &+= UInt64(bytes.count)
        if let tls { tls.write(bytes) } else { transmit(bytes) }
    }

    /// Sends bytes as they are.
    func transmit(_ bytes: UnsafeRawBufferPointer) {
        guard !isClosed, failure == nil else { return }
        var sent = 0
        if isWritable, outbox.isEmpty { sent = send(bytes) ?? 0 }
        guard failure == nil, sent < bytes.count else { return }
        outbox.append(UnsafeRawBufferPointer(rebasing: bytes[sent...]), from: worker.blocks)
        account()
    }

    /// Waits until the kernel has taken everything. Ends early by `interruptDrain`, at the deadline, and when the
    /// stream has failed or was closed.
    package func waitDrained(until deadline: Instant? = nil) async {
        guard !outbox.isEmpty else { return }
        let timer = deadline.map { worker.schedule(at: $0) { [self] in interruptDrain() } }
        await withUnsafeContinuation { drainWaiters.append($0) }
        if let timer { worker.cancel(timer) }
    }

    func interruptDrain() {
        guard !drainWaiters.isEmpty else { return }
        let waiting = drainWaiters
        drainWaiters = []
        for continuation in waiting { continuation.resume() }
    }

    /// Bytes of a head that is not complete, for the budget's sake.
    var heldHead = 0 {
        didSet { worker.budget.changeHeads(by: heldHead - oldValue) }
    }

    /// Bytes that are held for this stream elsewhere, for the budget's sake.
    package var heldElsewhere = 0 {
        didSet { account() }
    }

    /// Bytes that TLS holds, as received and as opened.
    var heldByTLS = 0 {
        didSet { if heldByTLS != oldValue { account() } }
    }

    private func account() {
        // The smallest block is what was set aside for the tunnel.
        let now = max(0, outbox.capacity - BlockPool.smallest) + heldElsewhere + heldByTLS
        guard now != charged else { return }
        worker.budget.change(by: now - charged)
        charged = now
    }

    /// Shuts down the sending side once everything has been sent.
    func finish() {
        guard finishing == .no else { return }
        tls?.sendCloseNotify()
        finishing = .whenDrained
        finishIfDrained()
    }

    /// Whether the sending side is shut down.
    var hasFinished: Bool { finishing == .finished }

    private func finishIfDrained() {
        guard finishing == .whenDrained, outbox.isEmpty, !isClosed else { return }
        finishing = .finished
        shutdown(descriptor, Int32(SHUT_WR))
    }

    private func send(_ bytes: UnsafeRawBufferPointer) -> Int? {
        while true {
            let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 {
                if count < bytes.count { isWritable = false }
                return count
            }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN { isWritable = false } else { fail(SystemError(call: "write", code: code)) }
            return nil
        }
    }

    private func flush() {
        guard !outbox.isEmpty else { return }
        guard let sent = send(outbox.bytes) else { return }
        outbox.removeFirst(sent, to: worker.blocks)
        account()
        if outbox.isEmpty {
            interruptDrain()
            finishIfDrained()
            whenDrained?()
        }
    }

    // MARK: Events

    override func handle(_ readiness: Readiness) {
        if !readiness.isDisjoint(with: [.peerFinished, .gone]) {
            peerHasFinished = true
            isReadable = true
            if !readiness.isDisjoint(with: isUnix ? .broken : .gone) { hasHungUp = true }
            if isUnix, readiness.contains(.hungUp) { peerHasClosed = true }
        }
        if readiness.contains(.readable) { isReadable = true }
        if connecter != nil {
            guard !readiness.isDisjoint(with: [.writable, .gone]) else { return }
            isWritable = true
            resume(&connecter, .ready)
            return
        }
        if !readiness.isDisjoint(with: [.writable, .gone]) {
            isWritable = true
            flush()
        }
        if let lingering {
            lingering.proceed()
        } else if isReadable {
            resume(&reader, .ready)
            if peerHasFinished { onPeerGone?() }
        }
    }

    func fail(_ error: SystemError) {
        if failure == nil { failure = error }
        dropOutbox()
        isReadable = true
        resume(&reader, .ready)
        interruptDrain()
        onPeerGone?()
    }

    private func dropOutbox() {
        outbox.removeAll(to: worker.blocks)
        account()
    }

    func resume(_ continuation: inout UnsafeContinuation<Wake, Never>?, _ wake: Wake) {
        guard let waiting = continuation else { return }
        continuation = nil
        waiting.resume(returning: wake)
    }

    // MARK: Ending

    package override func close() {
        guard !isClosed else { return }
        tls?.release()
        heldHead = 0
        heldElsewhere = 0
        heldByTLS = 0
        dropOutbox()
        if let lingering {
            lingering.cancel()
            worker.lingeringCloses -= 1
        }
        lingering = nil
        super.close()
        resume(&reader, .closed)
        resume(&connecter, .closed)
        interruptDrain()
        onPeerGone?()
        let closed = whenClosed
        onPeerGone = nil
        whenClosed = nil
        whenDrained = nil
        closed?()
    }

    /// Resets the connection at once; what the kernel still holds is lost.
    package func abort() {
        guard !isClosed else { return }
        SocketOption.resetOnClose(descriptor)
        close()
    }

    /// Sends what is held, then ends the connection in good order. Whoever waits for input is told that there is none.
    ///
    /// - Parameter discarding: bytes that the peer may still send; what is more resets the connection.
    package func closeOrderly(awaitingPeer: Bool, discarding: Int = LingeringClose.discarding) {
        guard !isClosed, lingering == nil else { return }
        tls?.sendCloseNotify()
        // Unread input, an end included, makes the kernel's close a reset, which costs the peer what it has not got
        // yet.
        if outbox.isEmpty, hasReadEnd || !awaitingPeer && !isReadable { return close() }
        finish()
        say(.orderly(awaitingPeer: awaitingPeer || isReadable, discarding: discarding))
    }

    /// Sends what is held, waits until the peer has got it, then resets the connection: it broke, and what had come
    /// before is delivered all the same.
    func resetAfterDelivery() {
        guard !isClosed, lingering == nil else { return }
        say(.reset)
    }

    private func say(_ ending: LingeringClose.Ending) {
        let lingering = LingeringClose(self, ending)
        self.lingering = lingering
        worker.lingeringCloses += 1
        resume(&reader, .closed)
        lingering.proceed()
    }

    /// Whether nothing can be delivered any more: reset, failed or closed. Once both sides have finished the kernel says
    /// the same of a connection that was reset and of one in good order, and only reading tells.
    package var isGone: Bool { isClosed || failure != nil || hasHungUp && finishing != .finished }

    /// It is no longer used: it sends what is held, and closes by itself.
    var isEnding: Bool { lingering != nil }
    /// Whether the peer would take the end of the process for the end of the data.
    var isCutShort: Bool { lingering.map { !outbox.isEmpty || $0.isReset } ?? false }
    var mayHaveInput: Bool { isReadable && !isClosed }

    /// From here on everything is TLS.
    func attach(_ tls: TLSSession) {
        self.tls = tls
    }
}
