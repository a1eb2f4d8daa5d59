import Glibc
import WstanBase

/// Reads small files whole: regular ones, and pipes that a shell or a service manager hands over. Blocks, for a pipe as long as
/// `patience`.
package enum FileReader {
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case system(SystemError)
        /// It is something else, in words that follow "it is".
        case notAFile(String)
        /// Nothing more has come through a pipe, and its writer has not closed it.
        case silent
        /// A signal that is to end this process came while a pipe was waited for.
        case interrupted

        /// The system's; nil where it is about what the file is.
        package var code: Int32? {
            if case .system(let error) = self { error.code } else { nil }
        }

        package var description: String {
            switch self {
            case .system(let error): "\(error)"
            case .notAFile(let kind): "it is \(kind), not a file"
            case .silent:
                "it is a pipe whose writer did not write and close it within \(patience.components.seconds) seconds"
            case .interrupted: "a signal came while its pipe was waited for"
            }
        }

        /// With what to do, where that is known.
        package var text: String {
            switch self {
            case .system(let error): SystemError.text(error.code)
            case .notAFile, .silent: "\(self); name a regular file"
            case .interrupted: description
            }
        }
    }

    /// For the writer of a pipe, from the open on.
    private static let patience = Duration.seconds(5)
    /// How often it is looked whether a signal has come, in milliseconds.
    private static let step: Int32 = 100

    /// - Parameter limit: one byte more than this is read at most, so that the caller can tell that there is more.
    package static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        let (descriptor, isPipe) = try open(path)
        defer { close(descriptor) }
        return try read(from: descriptor, isPipe: isPipe, limit: limit)
    }

    /// The same of a file that is open, from where it is read next.
    package static func read(from descriptor: Int32, isPipe: Bool = false, limit: Int) throws(Failure) -> [UInt8] {
        let deadline = Instant.now() + patience
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= limit {
            if isPipe { try wait(for: descriptor, until: deadline) }
            let count = Glibc.read(descriptor, &buffer, min(buffer.count, limit + 1 - bytes.count))
            if count < 0 {
                guard errno == EINTR || errno == EAGAIN && isPipe else {
                    throw .system(SystemError(call: "read", code: errno))
                }
                continue
            }
            if count == 0 { break }
            bytes.append(contentsOf: buffer.prefix(count))
        }
        return bytes
    }

    /// Does not wait for the other end of a FIFO, nor for a device.
    private static func open(_ path: String) throws(Failure) -> (descriptor: Int32, isPipe: Bool) {
        let descriptor: Int32
        do {
            descriptor = try SystemError.check("open") {
                Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            }
        } catch {
            // open(2): what a socket has for a name cannot be opened.
            throw error.code == ENXIO ? .notAFile("a socket") : .system(error)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(SystemError(call: "fstat", code: code))
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return (descriptor, false)
        case S_IFIFO: return (descriptor, true)
        // An empty file by another name.
        case S_IFCHR where status.st_rdev == nullDevice: return (descriptor, false)
        case S_IFDIR:
            close(descriptor)
            throw .notAFile("a directory")
        default:
            close(descriptor)
            throw .notAFile("a device")
        }
    }

    private static var nullDevice: dev_t {
        var status = stat()
        return stat("/dev/null", &status) == 0 ? status.st_rdev : 0
    }

    /// Waits until a pipe has something to say, or its writer has closed it. A FIFO that has never had a writer says nothing.
    private static func wait(for descriptor: Int32, until deadline: Instant) throws(Failure) {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, step) > 0 { return }
            // Those that a daemon keeps from their default action do not end a wait.
            if EndingSignals.haveCome { throw .interrupted }
            guard Instant.now() < deadline else { throw .silent }
        }
    }

    /// Whether everybody on this host may read it.
    package static func isWorldReadable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
    }

    /// Whether it can be read without waiting, and again. A name that leads to nothing counts.
    static func isRegular(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    }
}
