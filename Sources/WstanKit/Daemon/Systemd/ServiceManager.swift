import CSystemd
import Glibc
import WstanBase
import WstanCore

/// What systemd is told (sd_notify(3)); nothing happens where it did not start us. Its socket can block, so that a thread tells.
enum ServiceManager {
    enum Message: Equatable, Sendable {
        case ready(String)
        /// It goes on serving meanwhile; `ready` ends it.
        case reloading(at: Instant)
        /// - Parameter nextWord: within that it says more, or has ended.
        case stopping(nextWord: Duration)
        /// It is still at it.
        case extending(nextWord: Duration)
        case status(String)
        /// A sign of life for the watchdog, with the status.
        case alive(String)

        var text: String {
            switch self {
            case .ready(let status): "READY=1\n" + Self.status(status)
            case .reloading(let time):
                "RELOADING=1\nMONOTONIC_USEC=\(time.nanoseconds / 1000)\n" + Self.status("Reloading")
            case .stopping(let nextWord): "STOPPING=1\n" + Self.extension(nextWord) + "\n" + Self.status("Stopping")
            case .extending(let nextWord): Self.extension(nextWord)
            case .status(let status): Self.status(status)
            case .alive(let status): "WATCHDOG=1\n" + Self.status(status)
            }
        }

        /// Beyond TimeoutStopSec=, the service is killed when the time has passed without another word.
        private static func `extension`(_ time: Duration) -> String {
            "EXTEND_TIMEOUT_USEC=\(time.wholeNanoseconds / 1000)"
        }

        /// In scalars; systemd takes messages of up to 4096 bytes.
        private static let longest = 900

        /// One line: the next would be an order of its own.
        private static func status(_ text: String) -> String {
            let scalars = text.unicodeScalars.prefix(longest).map { Printable.isShown($0) ? $0 : " " }
            return "STATUS=" + String(String.UnicodeScalarView(scalars))
        }
    }

    /// Whether there is a service manager that wants to be told.
    static var listens: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// How long systemd waits for a sign of life before it restarts the service (WatchdogSec=); nil: it does not.
    static var watchdogPatience: Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    static func tell(_ message: Message) {
        if listens { thread.add(message.text) }
    }

    /// Waits until it has been told everything, for a second at most.
    static func flush() {
        thread.flush()
    }

    private static let thread = WriterThread<String>(capacity: 100) { messages, _ in
        for message in messages { sd_notify(0, message) }
    }
}
