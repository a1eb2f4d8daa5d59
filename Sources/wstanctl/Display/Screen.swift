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
        case resized
    }

    private static let endings = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    private var former: termios?
    private var signals = sigset_t()

    /// Signals are held back from here on, and asked for: what a handler of signals may do is too little.
    init() {
        sigemptyset(&signals)
        for number in Self.endings + [SIGWINCH, SIGTSTP] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    mutating func enter() {
        var settings = termios()
        if isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 {
            former = settings
            // Keys that are pressed do not show, and come one by one.
            settings.c_lflag &= ~tcflag_t(ECHO | ICANON)
            // A read never waits: Ctrl-C throws away what was typed, even what `poll` has just told of.
            withUnsafeMutableBytes(of: &settings.c_cc) { (keys) in
                keys[Int(VMIN)] = 0
                keys[Int(VTIME)] = 0
            }
            tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
        }
        // Another screen (where there is one), without the cursor.
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    mutating func leave() {
        Terminal.write("\u{1B}[?25h\u{1B}[?1049l")
        if var former { tcsetattr(STDIN_FILENO, TCSADRAIN, &former) }
        former = nil
    }

    /// Writes over what is there, so that nothing flickers.
    func show(_ lines: [String], height: Int) {
        let shown = lines.prefix(max(1, height))
        let text = shown.map { $0 + "\u{1B}[K" }.joined(separator: "\n")
        Terminal.write("\u{1B}[H" + text + "\u{1B}[J")
    }

    /// Waits until something is to be read, for as long as signals may go unnoticed.
    func wait(for descriptor: Int32) {
        var entries = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        if former != nil { entries.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)) }
        _ = poll(&entries, nfds_t(entries.count), 100)
    }

    /// Waits for nothing.
    mutating func event() -> Event? {
        var none = timespec()
        switch sigtimedwait(&signals, nil, &none) {
        case SIGINT: return .quit
        case SIGTSTP: return .suspended
        case SIGWINCH: return .resized
        case let number where number > 0: return .ended(by: number)
        default: return hasQuit() ? .quit : nil
        }
    }

    private mutating func hasQuit() -> Bool {
        guard former != nil else { return false }
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 0) > 0 else { return false }
        // A terminal that has gone says so for ever.
        guard entry.revents & Int16(POLLHUP | POLLERR) == 0 else { return true }
        var key: UInt8 = 0
        switch read(STDIN_FILENO, &key, 1) {
        case 1: return key == UInt8(ascii: "q") || key == UInt8(ascii: "Q")
        case 0: return false
        default: return true
        }
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

/// Shows on the whole terminal what a daemon goes on telling, until Ctrl-C.
enum Watch {
    /// - Parameters:
    ///   - take: is given each reply as it comes, and says whether there is something new to see.
    ///   - draw: makes the lines.
    static func run<Method: ControlMethod>(
        _ conversation: Conversation<Method>, take: (Method.Reply) -> Bool, draw: (Manner, _ height: Int) -> [String]
    ) throws(Failure) {
        var conversation = conversation
        var screen = Screen()
        screen.enter()
        do throws(Failure) {
            try turn(&screen, &conversation, take, draw)
            screen.leave()
        } catch {
            screen.leave()
            throw error
        }
    }

    private static func turn<Method: ControlMethod>(
        _ screen: inout Screen, _ conversation: inout Conversation<Method>, _ take: (Method.Reply) -> Bool,
        _ draw: (Manner, Int) -> [String]
    ) throws(Failure) {
        var isNew = true
        var drawn = ContinuousClock.Instant.now
        while true {
            while let event = screen.event() {
                switch event {
                case .quit: return
                case .ended(let number): screen.end(by: number)
                case .suspended: screen.suspend()
                case .resized: break
                }
                isNew = true
            }
            var taken = 0
            // A daemon that never stops talking does not keep the keyboard waiting.
            reading: while taken < 1000 {
                switch try conversation.waiting() {
                case .reply(let reply): if take(reply) { isNew = true }
                case .nothing: break reading
                case .over: return
                }
                taken += 1
            }
            // Ages grow without a word from the daemon.
            if isNew || .now - drawn >= .seconds(1) {
                let size = Terminal.size
                screen.show(draw(Terminal.manner, size.height), height: size.height)
                drawn = .now
                isNew = false
            }
            if taken < 1000 { screen.wait(for: conversation.descriptor) }
        }
    }
}
