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
        // Writing to whoever has left fails, which is noticed.
        signal(SIGPIPE, SIG_IGN)
        guard let target = Address(wanted) else {
            return fail("the server cannot be told \(wanted.host): leave the interface out", ExitStatus.usage)
        }
        let credentials: Socks5Client.Credentials?
        switch readCredentials() {
        case .success(let found): credentials = found
        case .failure(let failure): return fail(failure.description, ExitStatus.usage)
        }
        do {
            return join(try ClientCall.connect(to: target, by: places, credentials), target)
        } catch {
            let status = if case .noClient = error { ExitStatus.noClient } else { Daemon.ExitStatus.failure }
            return fail(text(error, target, places), status)
        }
    }

    // MARK: Moving bytes

    /// Two threads, since stdin may be a file, which epoll does not take, and since making a terminal non-blocking changes
    /// it for the shell, too.
    private static func join(_ connection: Int32, _ target: Address) -> Int32 {
        let input = Input(to: connection)
        guard input.start() else { return fail("cannot start a thread", Daemon.ExitStatus.failure) }
        var hasReceived = false
        let ending = BlockingCopy.run(from: connection, to: STDOUT_FILENO) { _ in hasReceived = true }
        switch ending {
        case .end:
            // A client grants first and connects then. Somebody who has said all that he wanted may need no answer.
            guard hasReceived || input.hasEnded else {
                return fail(
                    "\(target) has ended the connection without a word: if it was not reached, the client's log says why",
                    Daemon.ExitStatus.failure)
            }
            return Daemon.ExitStatus.success
        case .sourceFailed(let error):
            return fail("the connection to \(target) broke: \(SystemError.text(error.code))", Daemon.ExitStatus.failure)
        case .sinkFailed(let error):
            // Whoever has read it has left, and knows.
            if error.code == EPIPE { return Daemon.ExitStatus.failure }
            return fail("cannot write to stdout: \(SystemError.text(error.code))", Daemon.ExitStatus.failure)
        }
    }

    // MARK: Words

    private struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    private static func readCredentials() -> Result<Socks5Client.Credentials?, Problem> {
        guard let value = getenv(credentialsVariable) else { return .success(nil) }
        // A file that it came from leaves a line break; what else stands around a password may belong to it.
        let text = String(cString: value)
        let bytes = Array(text.utf8.reversed().drop { $0 == 10 || $0 == 13 }.reversed())
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let credentials = Socks5Client.Credentials(
                user: Array(bytes[..<colon]), password: Array(bytes[(colon + 1)...]))
        else {
            return .failure(
                Problem(description: "\(credentialsVariable) is not user:password, each of at most 255 bytes"))
        }
        return .success(credentials)
    }

    static func text(_ failure: ClientCall.Failure, _ target: Address, _ places: [ListenAddress]) -> String {
        let listening = places.map(\.description).joined(separator: " or ")
        switch failure {
        case .noClient(nil):
            return "no wstan client listens on \(listening): start one, or name it with -p"
        case .noClient(let error?):
            return "no wstan client can be reached on \(listening) (\(SystemError.text(error.code))): name it with -p"
        case .notAClient(let place):
            return "what answers on \(place) is no wstan client, or it takes nobody from here: name the client with -p"
        case .unauthenticated(hasCredentials: false):
            return "the client wants a user and a password: put user:password into \(credentialsVariable)"
        case .unauthenticated(hasCredentials: true):
            return "the client does not take the user and the password in \(credentialsVariable)"
        case .refused(let code):
            return "cannot connect to \(target): \(reason(code))"
        case .lost:
            return "the client has closed the connection before it answered; its log may say why"
        }
    }

    /// RFC 1928 section 6.
    private static func reason(_ code: UInt8) -> String {
        switch Socks5.Reply(rawValue: code) {
        case .generalFailure, .succeeded: "the client's log says why"
        case .notAllowed: "not allowed by the server's rules, or the client's"
        case .networkUnreachable: "its network is not reachable from the server"
        case .hostUnreachable: "it is not reachable from the server, or its name does not resolve there"
        case .connectionRefused: "it refuses connections on that port"
        case .commandNotSupported, .addressTypeNotSupported: "the client does not support that (code \(code))"
        case nil: "code \(code) of SOCKS5"
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
