import COpenSSL

/// Between OpenSSL and the socket of one stream: a BIO of our own, which takes from the worker's buffers and puts into
/// them. Sending always succeeds, since a stream keeps what the kernel does not take: so OpenSSL never waits to write.
/// Confined to its worker.
final class TLSTransport: @unchecked Sendable {
    private unowned let stream: Stream
    private let buffers: TLSBuffers
    private let blocks: BlockPool
    /// Bytes that were received and that OpenSSL has not asked for: rare, and not many.
    private var held = Outbox()
    /// The same, in the worker's buffer; empty between two calls.
    private var window = UnsafeRawBufferPointer(start: nil, count: 0)

    /// What the stream said last when it was asked for bytes and had none.
    private(set) var dryness = Dryness.none
    /// The most to receive at once, beyond what OpenSSL must have to go on.
    private var appetite = TLSBuffers.received
    /// Bytes that OpenSSL may take and make nothing of; nothing is received beyond that.
    private(set) var patience = TLSLimits.handshake
    /// Bytes that OpenSSL has taken in this call.
    private var taken = 0
    /// Bytes of data that it has made of them.
    private var delivered = 0
    private var isReading = false
    /// Bytes that OpenSSL has sent of its own accord while the peer took nothing.
    private var unasked = 0

    enum Dryness {
        case none
        case wouldBlock
        case end
        case failed(SystemError)
        /// There may be more, but this call has had its share.
        case enough
        /// The peer sends much that carries no data: handshakes without end, or changes of keys.
        case outOfPatience
    }

    /// - Parameter received: what was read from the stream already, and is TLS.
    init(_ stream: Stream, received: [UInt8]) {
        self.stream = stream
        buffers = stream.worker.tlsBuffers
        blocks = stream.worker.blocks
        received.withUnsafeBytes { held.append($0, from: blocks) }
    }

    /// A BIO of that session, which does not keep the session: this one frees it before it goes.
    static func makeBIO(of session: TLSSession) -> OpaquePointer? {
        guard let method = TLSMethod.shared.pointer, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(session).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    static func session(of bio: OpaquePointer?) -> TLSSession? {
        BIO_get_data(bio).map { Unmanaged<TLSSession>.fromOpaque($0).takeUnretainedValue() }
    }

    /// So many bytes of data have come through, or the handshake has.
    func renewPatience(for count: Int = 0) {
        patience = TLSLimits.barren
        delivered += count
    }

    /// The beginning of every call into OpenSSL.
    func beginCall(appetite: Int, isReading: Bool) {
        self.appetite = appetite
        self.isReading = isReading
        taken = 0
        delivered = 0
        dryness = .none
    }

    /// Whether this call has ended early, and has cost much more than it brought: records of one byte, changes of keys.
    /// The others come first then.
    var wasSparse: Bool {
        if case .enough = dryness { delivered < taken / 2 } else { false }
    }

    /// The end of every call into OpenSSL: the worker's buffers belong to other streams from now on.
    func finishCall() {
        flush()
        if !window.isEmpty {
            held.append(window, from: blocks)
            window = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        // No event tells of it: a request often comes together with the end of the handshake.
        if !held.isEmpty { stream.expectInput() }
    }

    private func flush() {
        // After the end of what is sent OpenSSL still answers, a change of keys for one, and the kernel takes no more.
        buffers.flush { if !stream.hasFinished { stream.transmit($0) } }
    }

    private(set) var hasReceived = false
    /// What the peer said first, until it is known to speak TLS.
    private(set) var firstBytes: [UInt8] = []

    func forgetFirstBytes() {
        firstBytes = []
    }

    /// The memory of what is held here.
    var heldCapacity: Int { held.capacity }

    func removeAll() {
        held.removeAll(to: blocks)
        window = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    // MARK: Called by OpenSSL

    /// - Returns: bytes that were taken: all of them.
    fileprivate func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        if isReading { unasked = stream.pendingCount > 0 ? unasked + bytes.count : 0 }
        var rest = bytes
        while true {
            rest = UnsafeRawBufferPointer(rebasing: rest[buffers.gather(rest)...])
            if rest.isEmpty { return bytes.count }
            flush()
        }
    }

    /// - Returns: 0 when there is nothing; `dryness` says why.
    fileprivate func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard taken - delivered < TLSLimits.barrenAtOnce else {
            dryness = .enough
            return 0
        }
        let count: Int
        if !held.isEmpty {
            noteFirst(held.bytes)
            count = min(buffer.count, held.count)
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: held.bytes[..<count]))
            held.removeFirst(count, to: blocks)
        } else {
            if window.isEmpty { receive(atLeast: buffer.count) }
            noteFirst(window)
            count = min(buffer.count, window.count)
            guard count > 0 else { return 0 }
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: window[..<count]))
            window = UnsafeRawBufferPointer(rebasing: window[count...])
        }
        patience -= count
        taken += count
        hasReceived = true
        return count
    }

    private func noteFirst(_ bytes: some Collection<UInt8>) {
        if !hasReceived { firstBytes = Array(bytes.prefix(TLSLimits.firstBytes)) }
    }

    private func receive(atLeast least: Int) {
        guard patience > 0, unasked < TLSLimits.unasked else {
            dryness = .outOfPatience
            return
        }
        // After a short read the socket is known to be empty: no second call to be told so.
        guard stream.mayHaveInput else {
            dryness = .wouldBlock
            return
        }
        // More than this would have to wait here until the next call.
        guard appetite > 0 || delivered == 0 else {
            dryness = .enough
            return
        }
        let most = min(max(least, appetite), buffers.received.count)
        let room = UnsafeMutableRawBufferPointer(rebasing: buffers.received[..<most])
        switch stream.receive(into: room) {
        case .bytes(let count):
            window = UnsafeRawBufferPointer(rebasing: room[..<count])
            appetite -= count
        case .wouldBlock: dryness = .wouldBlock
        case .end: dryness = .end
        case .failed(let error): dryness = .failed(error)
        }
    }
}

/// The functions of such a BIO, of which OpenSSL wants one table for all.
private final class TLSMethod: @unchecked Sendable {
    static let shared = TLSMethod()

    /// nil when there was no memory for it.
    let pointer: OpaquePointer?

    private init() {
        pointer = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "worker")
        BIO_meth_set_write(pointer, writeToTransport)
        BIO_meth_set_read(pointer, readFromTransport)
        BIO_meth_set_ctrl(pointer, controlTransport)
    }
}

private func writeToTransport(_ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
    guard let transport = TLSTransport.session(of: bio)?.transport, let bytes, count > 0 else { return -1 }
    return Int32(clamping: transport.write(UnsafeRawBufferPointer(start: bytes, count: Int(count))))
}

private func readFromTransport(_ bio: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int32) -> Int32 {
    guard let transport = TLSTransport.session(of: bio)?.transport, let buffer, count > 0 else { return -1 }
    BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY)
    let taken = transport.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: Int(count)))
    if taken > 0 { return Int32(clamping: taken) }
    // OpenSSL is told to come again whatever the reason: an end or an error is the stream's to tell, in its own words.
    BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
    return -1
}

private func controlTransport(
    _ bio: OpaquePointer?, _ command: Int32, _ number: Int, _ pointer: UnsafeMutableRawPointer?
) -> Int {
    // Without a yes to this one OpenSSL takes every flight of a handshake for lost.
    command == BIO_CTRL_FLUSH ? 1 : 0
}

/// Every bound on what a peer may do with TLS.
enum TLSLimits {
    /// Bytes of a handshake. Certificates have some thousand; nobody honest comes near it.
    static let handshake = 64 * 1024
    /// Bytes that bring no data, in a row: a record that is not complete, tickets, changes of keys.
    static let barren = 64 * 1024
    /// The same within one call, in bytes beyond those of the data: then it is the others' turn. Opening a change of keys
    /// costs a thousand times what sending it does.
    static let barrenAtOnce = 2 * record
    /// Bytes that a peer may make OpenSSL send, by changes of keys, while it takes none of them.
    static let unasked = 16 * 1024
    /// What OpenSSL holds for a handshake, for the budget's sake: two buffers for records, and a message.
    static let held = 40 * 1024
    /// A record as it is on the wire, at its largest (RFC 8446 section 5.2; RFC 5246 section 6.2.3 lets it be longer).
    static let record = 17 * 1024
    /// What is kept of a peer's first bytes until the handshake is over: the head of a request that was meant for a port without TLS.
    static let firstBytes = 8 * 1024
    /// Servers whose sessions a worker's client remembers.
    static let sessions = 16
    /// Names of a certificate that are repeated to a person, and characters of each.
    static let namesTold = 6
    static let charactersTold = 80
}

/// A worker's two buffers for what TLS has sealed, used within one call and not beyond: connections come and go by the
/// thousand, and a buffer of its own for each is what TLS costs elsewhere. Confined to its worker.
final class TLSBuffers {
    /// The most that is received at once.
    static let received = Scratch.bodySize
    /// A message of the relay's largest, in records with 40 bytes around each at most.
    static let gathered = Scratch.bodySize + 16 * 1024

    /// What the socket has given.
    let received: UnsafeMutableRawBufferPointer
    /// What OpenSSL wants to send, record behind record, so that a whole message is one system call.
    private let gathered: UnsafeMutableRawBufferPointer
    private var count = 0

    init() {
        received = .allocate(byteCount: Self.received, alignment: 64)
        gathered = .allocate(byteCount: Self.gathered, alignment: 64)
    }

    deinit {
        received.deallocate()
        gathered.deallocate()
    }

    /// - Returns: how much of it there was room for; what does not fit is for after a `flush`.
    func gather(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = min(bytes.count, gathered.count - count)
        guard taken > 0 else { return 0 }
        UnsafeMutableRawBufferPointer(rebasing: gathered[count...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
        count += taken
        return taken
    }

    /// Hands what was gathered to `send`, which must be done with it when it returns.
    func flush(_ send: (UnsafeRawBufferPointer) -> Void) {
        guard count > 0 else { return }
        let ready = UnsafeRawBufferPointer(rebasing: gathered[..<count])
        count = 0
        send(ready)
    }
}
