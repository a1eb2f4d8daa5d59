import WstanControl

/// A key for a server without one.
struct NewServerKey: Equatable {
    /// What belongs into the server's key file.
    let server: String
    /// What a client is given.
    let client: String

    /// Of version 1: both ends share it.
    static func v1() -> NewServerKey {
        let key = NewSecret.key()
        return NewServerKey(server: key, client: key)
    }

    /// Of version 2, as wstand makes it: the client's string cannot play the server.
    static func v2() throws(Failure) -> NewServerKey {
        let wstand = Handover.wstand
        guard let (status, output) = Subprocess.run([wstand, "-g", "--v2"], errors: .dropped), status == 0 else {
            throw Failure("cannot make a key of version 2: \(wstand) -g --v2 has failed. Run that by itself to see why.")
        }
        guard let key = NewServerKey(printed: output) else {
            throw Failure("\(wstand) -g --v2 has printed something else than two keys: install the wstand of this release")
        }
        return key
    }

    /// - Returns: nil unless it is a server's string and a client's, a line each.
    init?(printed output: String) {
        let lines = output.split(separator: "\n").map(String.init)
        guard lines.count == 2, lines.allSatisfy({ $0.hasPrefix(KeyStringText.prefix) }) else { return nil }
        self.init(server: lines[0], client: lines[1])
    }

    init(server: String, client: String) {
        self.server = server
        self.client = client
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
