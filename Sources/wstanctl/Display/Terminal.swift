import Glibc
import WstanControl

/// Where the words go.
enum Terminal {
    static func say(_ text: String) {
        write(text + "\n")
    }

    /// Ends the program when nobody can take it, such as a disk that is full.
    static func write(_ text: String) {
        guard write(Array(text.utf8), to: STDOUT_FILENO) else {
            complain("cannot write: \(String(cString: strerror(errno)))")
            exit(1)
        }
    }

    static func complain(_ text: String) {
        _ = write(Array("wstanctl: \(text)\n".utf8), to: STDERR_FILENO)
    }

    /// What belongs to no output.
    static func prompt(_ text: String) {
        _ = write(Array(text.utf8), to: STDERR_FILENO)
    }

    static func warn(_ warnings: [String]?) {
        for warning in warnings ?? [] { complain("warning: \(Printable.text(warning))") }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Somebody else has made it non-blocking.
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&entry, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    static func sayJSON(_ value: some Encodable) {
        say(String(decoding: JSONValue.object(ControlCoding.object(of: value)).text, as: UTF8.self))
    }

    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Columns and lines.
    static var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    static var manner: Manner {
        Manner(
            // By no-color.org, and never into a file.
            hasColor: isInteractive && isEmpty("NO_COLOR") && variable("TERM") != "dumb", hasSymbols: speaksUTF8,
            width: isInteractive ? size.width : nil)
    }

    private static var speaksUTF8: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first { !$0.isEmpty } ?? ""
        return locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8")
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func isEmpty(_ name: String) -> Bool { variable(name)?.isEmpty ?? true }

    /// Microseconds since 1970.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }
}

/// How things are shown.
struct Manner {
    var hasColor = false
    /// Whether more than ASCII can be read.
    var hasSymbols = true
    /// Columns; nil where nothing needs to fit, as in a file.
    var width: Int?
    /// Times of day are UTC's, not this place's.
    var isUTC = false

    var mark: String { hasSymbols ? "…" : "~" }

    func good(_ text: String) -> String { paint(text, "32") }
    func doubtful(_ text: String) -> String { paint(text, "33") }
    func bad(_ text: String) -> String { paint(text, "31") }
    func strong(_ text: String) -> String { paint(text, "1") }
    func faint(_ text: String) -> String { paint(text, "2") }

    private func paint(_ text: String, _ code: String) -> String {
        hasColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
