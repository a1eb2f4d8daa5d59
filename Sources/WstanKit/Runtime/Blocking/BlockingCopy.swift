import Glibc

/// Copies between descriptors that may be pipes, files, terminals or sockets, on a thread that has nothing else to do.
/// Their flags are left alone, since others share them: a descriptor that another program made non-blocking is waited for.
package enum BlockingCopy {
    static let size = 64 * 1024

    package enum Ending: Equatable {
        /// The source has ended.
        case end
        case sourceFailed(SystemError)
        case sinkFailed(SystemError)
    }

    /// Copies until one of both has enough.
    ///
    /// - Parameter moved: called for every piece, with its size.
    package static func run(from source: Int32, to sink: Int32, moved: (Int) -> Void = { _ in }) -> Ending {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = read(source, buffer.baseAddress, size)
            if count == 0 { return .end }
            if count < 0 {
                let code = errno
                if isPassing(code, source, POLLIN) { continue }
                return .sourceFailed(SystemError(call: "read", code: code))
            }
            guard write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: sink) else {
                return .sinkFailed(SystemError(call: "write", code: errno))
            }
            moved(count)
        }
    }

    /// - Returns: false when it failed; errno says why. SIGPIPE is the caller's business.
    package static func write(_ bytes: UnsafeRawBufferPointer, to sink: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(sink, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0 {
                guard isPassing(errno, sink, POLLOUT) else { return false }
                continue
            }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Waits until what failed can be tried again; false when it cannot.
    private static func isPassing(_ code: Int32, _ descriptor: Int32, _ event: Int32) -> Bool {
        switch code {
        case EINTR:
            return true
        case EAGAIN:
            var wanted = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            let count = poll(&wanted, 1, -1)
            let isReady = count > 0 || errno == EINTR
            // Where it fails the caller reports this.
            errno = code
            return isReady
        default:
            return false
        }
    }
}
