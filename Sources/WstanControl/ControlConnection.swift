import Glibc

/// A client's connection to the control socket of a daemon. Calls wait for their replies, one after the other. For one
/// thread.
public final class ControlConnection {
    public enum Failure: Error, Equatable {
        /// No socket is there, or nobody listens on it.
        case notRunning
        /// The socket's directory lets this user not in, or the daemon refuses the call to this user.
        case notPermitted
        case refused(ControlError)
        /// The daemon has closed the connection: it was ended, or has too many of them.
        case ended
        /// What it said is no reply to the call.
        case malformed(String)
        case timedOut
        /// More than the protocol carries in one message.
        case tooLong
        case system(call: String, code: Int32)
    }

    /// For `poll`, which tells when a reply comes.
    public let descriptor: Int32
    private var frames = MessageFrames()
    private var isBroken = false
    /// Replies to an earlier call are still to come.
    private var isBusy = false

    public init(to path: String, timeout: Duration = .seconds(5)) throws(Failure) {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw .system(call: "socket", code: errno) }
        do {
            try Self.connect(descriptor, to: path, deadline: .now + timeout)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    // MARK: The other end

    /// The process that listens; nil when it is in another PID namespace (unix(7), SO_PEERCRED).
    public var process: pid_t? {
        // struct ucred, which Glibc shows only under _GNU_SOURCE.
        var credentials: (pid: pid_t, uid: uid_t, gid: gid_t) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return nil }
        return credentials.pid > 0 ? credentials.pid : nil
    }

    /// Waits until the daemon closes the connection. What comes before that is lost.
    ///
    /// - Returns: whether it has.
    public func waitForEnd(until deadline: ContinuousClock.Instant) -> Bool {
        isBroken = true
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            let code = errno
            if count == 0 || count < 0 && code != EAGAIN && code != EINTR { return true }
            guard count > 0 || (try? wait(for: POLLIN, deadline)) != nil, deadline > .now else { return false }
        }
    }

    // MARK: Calls

    /// A call with one reply.
    public func call<Method: ControlMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, timeout: Duration? = .seconds(30)
    ) throws(Failure) -> Method.Reply {
        let deadline = timeout.map { ContinuousClock.Instant.now + $0 }
        try send(Method.name, ControlCoding.object(of: parameters), more: false, deadline)
        let reply: ControlReply
        do {
            reply = try nextReply(deadline)
        } catch {
            // A reply that comes late would be taken for the next call's.
            throw broken(error)
        }
        guard !reply.continues else { throw broken(.malformed("a second reply to a call that wants one")) }
        return try decode(reply)
    }

    /// A call with any number of replies, to be taken from what is returned. Whoever wants no more of them closes the
    /// connection by letting it go.
    public func callMore<Method: ControlMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, timeout: Duration? = .seconds(30)
    ) throws(Failure) -> Replies<Method> {
        let deadline = timeout.map { ContinuousClock.Instant.now + $0 }
        try send(Method.name, ControlCoding.object(of: parameters), more: true, deadline)
        return Replies(connection: self)
    }

    public struct Replies<Method: ControlMethod> {
        public let connection: ControlConnection
        private var isOver = false

        fileprivate init(connection: ControlConnection) {
            self.connection = connection
        }

        /// The next reply; nil after the last. After `timedOut` it can be asked again.
        public mutating func next(timeout: Duration? = nil) throws(Failure) -> Method.Reply? {
            guard !isOver else { return nil }
            do {
                let reply = try connection.nextReply(timeout.map { .now + $0 })
                isOver = !reply.continues
                return try connection.decode(reply)
            } catch {
                if error != .timedOut { isOver = true }
                throw error
            }
        }
    }

    private func decode<Reply: Decodable>(_ reply: ControlReply) throws(Failure) -> Reply {
        if let name = reply.error {
            let error = ControlError(name: name, parameters: reply.parameters)
            throw error == .permissionDenied ? .notPermitted : .refused(error)
        }
        do throws(DecodingError) {
            return try ControlCoding.decode(Reply.self, from: reply.parameters)
        } catch {
            throw .malformed("a reply of another kind: \(error)")
        }
    }

    private func broken(_ failure: Failure) -> Failure {
        isBroken = true
        return failure
    }

    // MARK: Bytes

    fileprivate typealias Deadline = ContinuousClock.Instant?

    private func send(
        _ method: String, _ parameters: JSONObject, more: Bool, _ deadline: Deadline
    ) throws(Failure) {
        precondition(!isBusy, "the replies to the call before were not all taken")
        guard !isBroken else { throw .ended }
        var call = JSONObject()
        call.append("method", .string(method))
        if !parameters.isEmpty { call.append("parameters", .object(parameters)) }
        if more { call.append("more", .bool(true)) }
        let bytes = JSONValue.object(call).text
        guard bytes.count <= MessageFrames.limit else { throw .tooLong }
        isBusy = true
        try write(bytes + [0], deadline)
    }

    private func write(_ bytes: [UInt8], _ deadline: Deadline) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            let code = errno
            if count >= 0 {
                sent += count
            } else if code == EAGAIN {
                // Half a call cannot be taken back.
                do { try wait(for: POLLOUT, deadline) } catch { throw broken(error) }
            } else if code == EPIPE || code == ECONNRESET {
                // The daemon may have said why before it closed.
                return
            } else if code != EINTR {
                throw broken(.system(call: "send", code: code))
            }
        }
    }

    fileprivate func nextReply(_ deadline: Deadline) throws(Failure) -> ControlReply {
        guard !isBroken else { throw .ended }
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            if let message = frames.next() {
                let reply: ControlReply
                do { reply = try ControlReply(reading: message) } catch { throw broken(.malformed(error.text)) }
                isBusy = reply.continues
                return reply
            }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            let code = errno
            if count > 0 {
                do { try frames.append(buffer[..<count]) } catch { throw broken(.malformed("a reply without an end")) }
            } else if count == 0 || code == ECONNRESET {
                throw broken(.ended)
            } else if code == EAGAIN {
                try wait(for: POLLIN, deadline)
            } else if code != EINTR {
                throw broken(.system(call: "recv", code: code))
            }
        }
    }

    private func wait(for events: Int32, _ deadline: Deadline) throws(Failure) {
        while true {
            guard let milliseconds = Self.milliseconds(until: deadline) else { throw .timedOut }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, milliseconds)
            if count > 0 { return }
            if count < 0, errno != EINTR { throw .system(call: "poll", code: errno) }
        }
    }

    /// For `poll`; nil when it has passed.
    private static func milliseconds(until deadline: Deadline) -> Int32? {
        guard let deadline else { return -1 }
        let left = deadline - .now
        guard left > .zero else { return nil }
        // Rounded up, and no more at once than fits.
        let (seconds, attoseconds) = left.components
        return seconds > 1_000_000 ? 1_000_000_000 : Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    private static func connect(
        _ descriptor: Int32, to path: String, deadline: ContinuousClock.Instant
    ) throws(Failure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, !bytes.contains(0), bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .system(call: "connect", code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        while true {
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            let code = errno
            if result == 0 { return }
            switch code {
            case EINTR: continue
            // Too many wait to be accepted: a Unix socket does not say when there is room (connect(2)).
            case EAGAIN:
                guard deadline > .now else { throw .timedOut }
                usleep(20_000)
            case ENOENT, ECONNREFUSED, ENOTDIR: throw .notRunning
            case EACCES, EPERM: throw .notPermitted
            default: throw .system(call: "connect", code: code)
            }
        }
    }
}
