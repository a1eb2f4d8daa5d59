import Glibc
import Synchronization
import WstanBase
import WstanConfig
import WstanCore

/// `wstand --stdio HOST PORT`: joins stdin and stdout with a target, through a client that runs already. For ssh's
/// ProxyCommand and programs like it.
enum StandardStreamsProgram {
    enum ExitStatus {
        static let noClient: Int32 = 69
        static let usage: Int32 = 64
    }

    /// `user:password`, for a client that wants them. Not on the command line, which everybody can read.
    static let credentialsVariable = "WSTAN_PROXY_AUTH"

    /// - Returns: the exit status; a failure has been told on stderr.
    static func run(target wanted: TargetAddress, via places: [ListenAddress]) -> Int32 {
        // Writing to a peer that has left fails, which is noticed.
        signal(SIGPIPE, SIG_IGN)
        guard let target = Address(wanted) else {
            return fail("the server cannot be told \(wanted.host): leave the interface out", ExitStatus.usage)
        }
        let credentials: [UInt8]?
        switch readCredentials() {
        case .success(let found): credentials = found
        case .failure(let failure): return fail(failure.description, ExitStatus.usage)
        }
        do throws(ClientCall.Failure) {
            let call = try ClientCall.begin(to: target, by: places, credentials)
            let input = Input(to: call.descriptor)
            // Before the target has answered: it saves a round trip.
            guard input.start() else { return fail("cannot start a thread", Daemon.ExitStatus.failure) }
            return join(call.descriptor, input, target, first: try ClientCall.finish(call))
        } catch {
            let status = if case .noClient = error { ExitStatus.noClient } else { Daemon.ExitStatus.failure }
            return fail(text(error, target, places), status)
        }
    }

    // MARK: Moving bytes

    /// Two threads, since stdin may be a file, which epoll does not take, and since making a terminal non-blocking changes
    /// it for the shell, too.
    ///
    /// - Parameter first: what the target has said already.
    private static func join(_ connection: Int32, _ input: Input, _ target: Address, first: [UInt8]) -> Int32 {
        var hasReceived = !first.isEmpty
        guard first.withUnsafeBytes({ BlockingCopy.write($0, to: STDOUT_FILENO) }) else { return outputFailed(errno) }
        let ending = BlockingCopy.run(from: connection, to: STDOUT_FILENO) { _ in hasReceived = true }
        switch ending {
        case .end:
            // The target was reached, unless the client or the server is too old to tell. After the end of stdin it need not
            // have an answer.
            guard hasReceived || input.hasEnded else {
                return fail(
                    "\(target) closed the connection without sending anything: if it was not reached, the client's log may "
                        + "say why", Daemon.ExitStatus.failure)
            }
            return Daemon.ExitStatus.success
        case .sourceFailed(let error):
            return fail("the connection to \(target) broke: \(SystemError.text(error.code))", Daemon.ExitStatus.failure)
        case .sinkFailed(let error):
            return outputFailed(error.code)
        }
    }

    private static func outputFailed(_ code: Int32) -> Int32 {
        // The reader of stdout has left, and knows.
        if code == EPIPE { return Daemon.ExitStatus.failure }
        return fail("cannot write to stdout: \(SystemError.text(code))", Daemon.ExitStatus.failure)
    }

    // MARK: Words

    private struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    private static func readCredentials() -> Result<[UInt8]?, Problem> {
        guard let value = getenv(credentialsVariable) else { return .success(nil) }
        // A file that it came from leaves a line break; what else stands around a password may belong to it.
        let bytes = Array(String(cString: value).utf8.reversed().drop { $0 == 10 || $0 == 13 }.reversed())
        let parts = bytes.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        // As in RFC 1929, which the client's users are also checked by.
        guard parts.count == 2, !parts[0].isEmpty, parts.allSatisfy({ $0.count <= 255 }) else {
            return .failure(
                Problem(description: "\(credentialsVariable) is not user:password, each of at most 255 bytes"))
        }
        return .success(bytes)
    }

    static func text(_ failure: ClientCall.Failure, _ target: Address, _ places: [ListenAddress]) -> String {
        let listening = places.map(\.description).joined(separator: " or ")
        switch failure {
        case .noClient(nil):
            return "no wstan client listens on \(listening): start one, or name it with -p"
        case .noClient(let error?):
            return "no wstan client can be reached on \(listening) (\(SystemError.text(error.code))): name it with -p"
        case .notAClient(let place):
            return "the program that listens on \(place) is not a wstan client: name the client with -p"
        case .unauthenticated(hasCredentials: false):
            return "the client requires a user and a password: put user:password into \(credentialsVariable)"
        case .unauthenticated(hasCredentials: true):
            return "the client does not accept the user and the password in \(credentialsVariable)"
        case .forbidden(let text):
            return "cannot connect to \(target): forbidden. \(text)"
        case .refused(let text):
            return "cannot connect to \(target). \(text)"
        case .lost:
            return "the client closed the connection before it answered; its log may say why"
        }
    }

    private static func fail(_ text: String, _ status: Int32) -> Int32 {
        LogWriter.standardError.write("wstand: \(text)")
        LogWriter.standardError.flush()
        return status
    }
}

/// From stdin to the connection, on a thread of its own. It ends with the process at the latest.
private final class Input: Sendable {
    private let connection: Int32
    private let ended = Atomic(false)

    init(to connection: Int32) {
        self.connection = connection
    }

    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    /// - Returns: whether its thread could be started.
    func start() -> Bool {
        DetachedThread.start { self.run() } == nil
    }

    private func run() {
        switch BlockingCopy.run(from: STDIN_FILENO, to: connection) {
        case .end, .sourceFailed:
            ended.store(true, ordering: .releasing)
            shutdown(connection, Int32(SHUT_WR))
        case .sinkFailed:
            // Whoever reads from it finds out the same.
            break
        }
    }
}
