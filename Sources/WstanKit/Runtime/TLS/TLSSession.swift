import COpenSSL
import WstanBase

/// TLS on one stream. Confined to its worker.
///
/// Every call goes as far as it can with what the socket has, so nothing here waits. An end without a farewell
/// (close_notify, RFC 8446 section 6.1) counts as an end: what travels here says itself where it ends, and many peers
/// do not say it.
package final class TLSSession: @unchecked Sendable {
    /// Which side this is, and by what it goes.
    package enum Side {
        case server(TLSServerContext)
        /// - Parameters:
        ///   - name: whom the certificate must be for; told to the server, unless it is an address.
        ///   - server: of whom sessions are resumed.
        case client(TLSClientContext, name: Host, sessions: TLSSessions?, server: String)
    }

    enum Progress {
        case done
        case needsInput
        case failed(TLSFailure)
    }

    private enum State {
        /// Can become: established, failed.
        case shakingHands
        /// Can become: failed.
        case established
        case failed
    }

    private unowned let stream: Stream
    private let side: Side
    let transport: TLSTransport
    /// nil once released.
    private(set) var ssl: OpaquePointer?
    private var state = State.shakingHands
    private var hasSentCloseNotify = false
    /// Why it failed in the middle.
    private(set) var failure: TLSFailure?
    /// What the check of the peer's certificate has found.
    var distrust: TLSFailure?

    /// - Parameter received: what was read from the stream already.
    /// - Throws: when there is no memory for it, or the name is none that can be checked.
    init(_ stream: Stream, _ side: Side, received: [UInt8] = []) throws(TLSFailure) {
        self.stream = stream
        self.side = side
        transport = TLSTransport(stream, received: received)
        let context: TLSContext =
            switch side {
            case .server(let context): context
            case .client(let context, _, _, _): context
            }
        guard let ssl = SSL_new(context.pointer) else { throw .malformed("out of memory") }
        guard let bio = TLSTransport.makeBIO(of: self) else {
            SSL_free(ssl)
            throw .malformed("out of memory")
        }
        self.ssl = ssl
        SSL_set_bio(ssl, bio, bio)
        switch side {
        case .server:
            SSL_set_accept_state(ssl)
        case .client(_, let name, let sessions, let server):
            SSL_set_connect_state(ssl)
            // Without a name OpenSSL would check none.
            guard Self.expect(name, of: ssl) else { throw .malformed("the server's name cannot be checked") }
            sessions?.resume(server, by: ssl)
        }
    }

    deinit {
        release()
    }

    /// An address is checked too, but there is no way to ask for it (RFC 6066 section 3).
    ///
    /// - Returns: whether it will be checked.
    private static func expect(_ name: Host, of ssl: OpaquePointer) -> Bool {
        switch name {
        case .name(let name):
            let name = name.hasSuffix(".") ? String(name.dropLast()) : name
            SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            guard !name.isEmpty, SSL_set1_host(ssl, name) == 1 else { return false }
            var bytes = Array(name.utf8CString)
            return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), &bytes) == 1
        case .ipv4, .ipv6:
            return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), "\(name)") == 1
        }
    }

    /// The session that a connection of OpenSSL's belongs to.
    static func of(_ ssl: OpaquePointer?) -> TLSSession? {
        TLSTransport.session(of: SSL_get_rbio(ssl))
    }

    var isEstablished: Bool { state == .established }

    /// Whether it went on from an earlier one; once the handshake is over.
    var isResumed: Bool { ssl.map { SSL_session_reused($0) == 1 } ?? false }

    /// Whether the peer has said anything at all.
    var hasReceived: Bool { transport.hasReceived }

    var name: Host? {
        if case .client(_, let name, _, _) = side { name } else { nil }
    }

    /// - Returns: whether it was taken.
    func keep(_ session: OpaquePointer) -> Bool {
        guard case .client(_, _, let sessions?, let server) = side else { return false }
        sessions.keep(session, of: server)
        return true
    }

    // MARK: What the stream asks for

    func shakeHands() -> Progress {
        guard let ssl, state == .shakingHands else { return state == .established ? .done : .failed(.closed) }
        begin(appetite: TLSLimits.record)
        let result = SSL_do_handshake(ssl)
        guard result != 1 else {
            state = .established
            transport.renewPatience()
            transport.forgetFirstBytes()
            finish()
            return .done
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ:
            finish()
            switch transport.dryness {
            case .none, .wouldBlock, .enough: return .needsInput
            case .end: return failHandshake(.cut)
            case .failed(let error): return failHandshake(error.isReset ? .reset : .cut)
            case .outOfPatience: return failHandshake(.tooLong)
            }
        default:
            let failure = distrust ?? .ofQueue(heard: transport.firstBytes)
            finish()
            return failHandshake(failure)
        }
    }

    private func failHandshake(_ failure: TLSFailure) -> Progress {
        state = .failed
        self.failure = failure
        // It may be what was to be resumed that the server does not like: the next try begins anew.
        if case .client(_, _, let sessions?, let server) = side { sessions.forget(server) }
        return .failed(failure)
    }

    /// As `Stream.read`.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Stream.ReadResult {
        guard let ssl, state == .established else {
            // What the socket still has was sealed by nobody, and must not be taken for data.
            return .failed(stream.failure ?? .tls(failure ?? .closed))
        }
        guard let start = buffer.baseAddress else { return .wouldBlock }
        if stream.hasReadEnd { return stream.end() }
        // What comes is less than what it is made of, and what OpenSSL still holds of the record before fits as well.
        begin(appetite: max(buffer.count - TLSLimits.record, buffer.count / 2), isReading: true)
        var count = 0
        while count < buffer.count {
            var more = 0
            let result = SSL_read_ex(ssl, start + count, buffer.count - count, &more)
            guard result == 1 else {
                let ending = ending(of: SSL_get_error(ssl, result))
                finish()
                if transport.wasSparse { stream.giveWay() }
                return settle(ending, after: count)
            }
            count += more
            transport.renewPatience(for: more)
        }
        finish()
        // There may be more within OpenSSL, and no event will tell.
        stream.expectInput()
        return .bytes(count)
    }

    private enum Ending {
        case none
        case closeNotify
        case failure(TLSFailure)
        /// The stream has said it.
        case ofStream(Stream.ReadResult)
    }

    private func ending(of error: Int32) -> Ending {
        switch error {
        case SSL_ERROR_WANT_READ:
            switch transport.dryness {
            case .none, .wouldBlock, .enough: return .none
            case .end: return .ofStream(.end)
            case .failed(let error): return .ofStream(.failed(error))
            case .outOfPatience: return .failure(.tooLong)
            }
        case SSL_ERROR_ZERO_RETURN: return .closeNotify
        default: return .failure(.ofQueue())
        }
    }

    /// What came before an end, or a failure, is delivered first; the next read tells the rest.
    private func settle(_ ending: Ending, after count: Int) -> Stream.ReadResult {
        let result: Stream.ReadResult
        switch ending {
        case .none:
            result = .wouldBlock
        case .closeNotify:
            result = stream.end()
        case .ofStream(let said):
            result = said
        case .failure(let failure):
            result = fail(failure)
        }
        return count > 0 ? .bytes(count) : result
    }

    /// All of it is sealed at once; what the kernel does not take waits in the stream.
    func write(_ bytes: UnsafeRawBufferPointer) {
        guard let ssl, state == .established else { return }
        begin(appetite: TLSLimits.record)
        var written = 0
        let result = SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &written)
        let failure: TLSFailure? = result == 1 ? nil : .ofQueue()
        finish()
        if let failure { _ = fail(failure) }
    }

    /// Says that nothing more will be sent.
    func sendCloseNotify() {
        guard let ssl, state == .established, !hasSentCloseNotify, stream.failure == nil else { return }
        hasSentCloseNotify = true
        begin(appetite: TLSLimits.record)
        SSL_shutdown(ssl)
        finish()
    }

    func release() {
        guard let ssl else { return }
        self.ssl = nil
        // Without this OpenSSL takes the session for broken, and will not resume it.
        if state == .established { SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
        SSL_free(ssl)
        ERR_clear_error()
        transport.removeAll()
    }

    private func fail(_ failure: TLSFailure) -> Stream.ReadResult {
        state = .failed
        if self.failure == nil { self.failure = failure }
        let error = SystemError.tls(failure)
        stream.fail(error)
        return .failed(error)
    }

    private func begin(appetite: Int, isReading: Bool = false) {
        // Errors of others in the queue would be taken for ours.
        ERR_clear_error()
        transport.beginCall(appetite: appetite, isReading: isReading)
    }

    private func finish() {
        transport.finishCall()
        guard let ssl else { return }
        stream.heldByTLS = transport.heldCapacity + (SSL_has_pending(ssl) == 1 ? TLSLimits.record : 0)
    }
}
