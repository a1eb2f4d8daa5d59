import Glibc
import WstanControl

/// The whole terminal, for something that is refreshed in place. What stood there before comes back when it is left.
struct Screen {
    enum Event {
        /// Ctrl-C, or `q`.
        case quit
        /// Another signal that ends a program.
        case ended(by: Int32)
        case suspended
        /// It was stopped by something else, and a shell may have had the terminal meanwhile.
        case continued
        case resized
        case pressed(PressedKey)
    }

    private static let endings = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// How the keyboard was, while it is not so; for every way that a program ends.
    private nonisolated(unsafe) static var former: termios?
    private var signals = sigset_t()
    private var keys = KeyReader()

    /// Signals are held back from here on, and asked for: what a handler of signals may do is too little.
    init() {
        sigemptyset(&signals)
        for number in Self.endings + [SIGWINCH, SIGTSTP, SIGCONT] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        // Also when the output cannot be written any further.
        atexit { Screen.giveKeyboardBack() }
    }

    mutating func enter() {
        takeBack()
        // Another screen (where there is one), without the cursor.
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Keys that are pressed do not show, and come one by one.
    func takeBack() {
        var settings = termios()
        guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 else { return }
        if Self.former == nil { Self.former = settings }
        settings.c_lflag &= ~tcflag_t(ECHO | ICANON)
        // A read never waits: Ctrl-C throws away what was typed, even what `poll` has just told of.
        withUnsafeMutableBytes(of: &settings.c_cc) { (keys) in
            keys[Int(VMIN)] = 0
            keys[Int(VTIME)] = 0
        }
        tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
    }

    private static func giveKeyboardBack() {
        if var former { tcsetattr(STDIN_FILENO, TCSADRAIN, &former) }
        former = nil
    }

    /// - Parameter picture: what stays.
    mutating func leave(_ picture: Picture? = nil) {
        Self.giveKeyboardBack()
        Terminal.write("\u{1B}[?25h\u{1B}[?1049l" + (picture?.lines.map { $0 + "\n" }.joined() ?? ""))
    }

    /// Writes over what is there, so that nothing flickers.
    func show(_ picture: Picture, height: Int) {
        var shown = Array(picture.lines.prefix(max(1, height)))
        if let footer = picture.footer, height > shown.count {
            shown += Array(repeating: "", count: height - shown.count - 1) + [footer]
        }
        let text = shown.map { $0 + "\u{1B}[K" }.joined(separator: "\n")
        Terminal.write("\u{1B}[H" + text + "\u{1B}[J")
    }

    /// Waits until something is to be read, for as long as signals may go unnoticed.
    func wait(for descriptor: Int32) {
        var entries = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        if Self.former != nil { entries.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)) }
        _ = poll(&entries, nfds_t(entries.count), 100)
    }

    /// Waits for nothing.
    mutating func event() -> Event? {
        var none = timespec()
        switch sigtimedwait(&signals, nil, &none) {
        case SIGINT: return .quit
        case SIGTSTP: return .suspended
        case SIGCONT: return .continued
        case SIGWINCH: return .resized
        case let number where number > 0: return .ended(by: number)
        default: return keyEvent()
        }
    }

    private mutating func keyEvent() -> Event? {
        while Self.former != nil {
            var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 0) > 0 else { return nil }
            // A terminal that has gone says so for ever.
            guard entry.revents & Int16(POLLHUP | POLLERR) == 0 else { return .quit }
            var byte: UInt8 = 0
            switch read(STDIN_FILENO, &byte, 1) {
            case 1:
                guard let key = keys.read(byte) else { continue }
                return key == .character("q") || key == .character("Q") ? .quit : .pressed(key)
            case 0: return nil
            default: return .quit
            }
        }
        return nil
    }

    /// Lets the shell have the terminal until the program is brought back.
    mutating func suspend() {
        leave()
        kill(getpid(), SIGSTOP)
        enter()
    }

    /// Ends as the signal would have ended it, so that a shell or a service manager sees that.
    mutating func end(by number: Int32) -> Never {
        leave()
        signal(number, SIG_DFL)
        var only = sigset_t()
        sigemptyset(&only)
        sigaddset(&only, number)
        pthread_sigmask(SIG_UNBLOCK, &only, nil)
        raise(number)
        exit(128 + number)
    }
}
