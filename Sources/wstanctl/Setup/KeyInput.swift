import Glibc
import WstanControl

/// A key that is given: the first line of a file or of stdin, which on a terminal does not show.
enum KeyInput {
    static let limit = KeyText.sizeLimit
    /// How long the writer of a FIFO may take to come, in milliseconds.
    private static let writer: Int32 = 5000

    static func fromStdin() throws(Failure) -> KeyText {
        guard isatty(STDIN_FILENO) == 1 else { return try line(of: STDIN_FILENO, named: "stdin") }
        return try given(SilentLine.read(prompt: "Key (input is hidden): "), called: "the typed key")
    }

    /// - Parameter path: of the key that is there already.
    /// - Returns: nil: it is kept. Only a person at a terminal is asked: an empty input may be the fault of a script.
    static func fromStdin(orKeeping path: String) throws(Failure) -> KeyText? {
        guard isatty(STDIN_FILENO) == 1 else {
            return try line(of: STDIN_FILENO, named: "stdin", orElse: "--key-file \(Printable.text(path)) keeps the key that is there")
        }
        let typed = try SilentLine.read(prompt: "Key (input is hidden; Enter keeps the one in \(Printable.text(path))): ")
        return typed.contains(where: { $0 > 32 }) ? try given(typed, called: "the typed key") : nil
    }

    static func fromFile(_ path: String) throws(Failure) -> KeyText {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Failure(
                "cannot read \(Printable.text(path)): \(String(cString: strerror(errno)))",
                status: errno == EACCES ? .notPermitted : .failure)
        }
        defer { close(descriptor) }
        // A FIFO without a writer reads as empty.
        wait(for: descriptor, writer)
        return try line(of: descriptor, named: Printable.text(path))
    }

    /// What a client has.
    ///
    /// - Throws: for a server's string, and for a passphrase, unless it is said to be one: any text is one, such as a part of a
    ///   key.
    static func checked(_ key: KeyText, isPassphrase: Bool) throws(Failure) -> String {
        try refuse(key, called: "the key", unlessForClient: true)
        guard key.passphrase == nil || isPassphrase || key.text.hasPrefix(KeyText.passphrasePrefix) else {
            throw Failure(
                "that is not a key: it has \(Amount.count(key.text.count, "character")). A key has 24 that end in ==, or "
                    + "begins with wstan2:. For a passphrase add --passphrase.")
        }
        return key.text
    }

    /// - Parameter remedy: where there is none.
    private static func line(
        of descriptor: Int32, named name: String, orElse remedy: String = makesKey
    ) throws(Failure) -> KeyText {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        // What follows the line is not read.
        while !bytes.drop(while: { $0 <= 32 }).contains(10), bytes.count <= limit {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                wait(for: descriptor, -1)
                continue
            }
            guard count >= 0 else { throw Failure("cannot read \(name): \(String(cString: strerror(errno)))") }
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
        }
        return try given(bytes, called: "the key in \(name)", orElse: remedy)
    }

    private static func wait(for descriptor: Int32, _ milliseconds: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, milliseconds)
    }

    /// Where there is none, it comes from the server: one that was made here would open nothing there.
    private static let makesKey = "at the server, \"sudo wstanctl add-key NAME\" makes a key and prints it"

    private static func given(
        _ bytes: [UInt8], called what: String, orElse remedy: String = makesKey
    ) throws(Failure) -> KeyText {
        guard bytes.contains(where: { $0 > 32 }) else { throw Failure("\(what) is empty: \(remedy)") }
        return try key(in: bytes, called: what)
    }

    /// A server's, by the rules of a key file.
    static func serverKey(in bytes: [UInt8], named name: String) throws(Failure) -> KeyText {
        let what = "the key in \(name)"
        let key = try key(in: bytes, called: what)
        try refuse(key, called: what, unlessForClient: false)
        return key
    }

    private static func key(in bytes: [UInt8], called what: String) throws(Failure) -> KeyText {
        let key: KeyText
        do throws(KeyText.Problem) {
            key = try KeyText(firstLineOf: bytes)
        } catch {
            throw Failure("\(what) \(error)")
        }
        do throws(KeyStringText.Problem) {
            _ = try kind(of: key)
        } catch {
            throw Failure("\(what) \(error.advised)")
        }
        return key
    }

    /// - Returns: nil for a key of version 1.
    private static func kind(of key: KeyText) throws(KeyStringText.Problem) -> KeyStringText.Kind? {
        key.isKeyString ? try KeyStringText(key.text, check: KeyCheck.check).kind : nil
    }

    /// - Throws: for a string of the other end.
    private static func refuse(_ key: KeyText, called what: String, unlessForClient isClient: Bool) throws(Failure) {
        guard let kind = try? Self.kind(of: key), !kind.belongs(toClient: isClient) else { return }
        throw Failure("\(what) \(kind.isOfOtherEnd(client: isClient))")
    }
}

/// A line that is typed and not shown.
private enum SilentLine {
    /// The terminal is taken over key by key, so that nothing can end the program and leave it silent.
    static func read(prompt: String) throws(Failure) -> [UInt8] {
        var former = termios()
        guard tcgetattr(STDIN_FILENO, &former) == 0 else { throw Failure("cannot read from this terminal") }
        var settings = former
        settings.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        Terminal.prompt(prompt)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        let line = keys()
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &former)
        Terminal.prompt("\n")
        guard let line else { throw Failure("interrupted", status: .init(130)) }
        return line
    }

    /// - Returns: nil after Ctrl-C.
    private static func keys() -> [UInt8]? {
        var line: [UInt8] = []
        var key: UInt8 = 0
        while line.count <= KeyInput.limit {
            let count = Glibc.read(STDIN_FILENO, &key, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return line }
            switch key {
            case 3: return nil
            case 4, 10, 13: return line
            case 8, 127: _ = line.popLast()
            case 21: line = []
            default: line.append(key)
            }
        }
        return line
    }
}
