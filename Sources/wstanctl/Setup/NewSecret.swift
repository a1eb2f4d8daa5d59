import WstanControl

/// The keys of version 2, which wstand makes and derives: this program has no X25519.
enum KeyStrings {
    /// - Returns: for the key file of a server without a key.
    static func forServer() throws(Failure) -> String {
        let command = [Handover.wstand, "-g", "--v2"]
        guard let (status, output) = Subprocess.run(command, errors: .dropped), status == 0 else {
            throw Failure("cannot make a key: \(command.joined(separator: " ")) has failed. Run that by itself to see why.")
        }
        // Behind it comes its client's, which forClient also gives.
        guard let string = line(output) else {
            throw Failure("\(command[0]) has printed something else than a key: install the wstand of this release")
        }
        return string
    }

    /// - Parameter server: the string of a server.
    /// - Returns: nil if it is not in there: the server's clients are in its key ring only.
    static func forClient(of server: String) -> String? {
        guard let (status, output) = Subprocess.run([Handover.wstand, "--client-key"], input: server, errors: .dropped),
            status == 0
        else { return nil }
        return line(output)
    }

    /// - Returns: the first one, if that is a key string.
    static func line(_ output: String) -> String? {
        output.split(separator: "\n").first.map(String.init).flatMap { $0.hasPrefix(KeyStringText.prefix) ? $0 : nil }
    }
}

/// A key that is made here: 16 random bytes.
enum NewSecret {
    /// In base64, as a key is written.
    static func key() -> String {
        var generator = SystemRandomNumberGenerator()
        return base64((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// RFC 4648 section 4
    static func base64(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let bits = part.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - part.count))
            for digit in 0..<4 {
                text.append(digit <= part.count ? digits[Int(bits >> UInt32(18 - 6 * digit) & 63)] : "=")
            }
        }
        return text
    }
}
