import Glibc
import WstanControl

/// Where the words go.
enum Terminal {
    static func say(_ text: String) {
        print(text)
        // What watches is read as it comes, also in a pipe.
        fflush(nil)
    }

    static func complain(_ text: String) {
        let line = Array("wstanctl: \(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }

    static func sayJSON(_ value: some Encodable) {
        say(String(decoding: JSONValue.object(ControlCoding.object(of: value)).text, as: UTF8.self))
    }

    /// By no-color.org, and never into a file.
    static var hasColor: Bool { isatty(STDOUT_FILENO) == 1 && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true) }

    /// Columns; 80 where nobody knows, and as many as it takes where it is no terminal.
    static var width: Int {
        guard isatty(STDOUT_FILENO) == 1 else { return .max }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Microseconds since 1970.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }
}

/// Marks words for a terminal that has colours.
struct Paint {
    let isOn: Bool

    func good(_ text: String) -> String { wrap(text, "32") }
    func doubtful(_ text: String) -> String { wrap(text, "33") }
    func bad(_ text: String) -> String { wrap(text, "31") }

    private func wrap(_ text: String, _ code: String) -> String {
        isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
