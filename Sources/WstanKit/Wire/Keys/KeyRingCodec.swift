import WstanBase

/// The ring as text, a line per key, with its own digest in the last line: a file that was cut, or edited without knowing what it
/// means, is no ring.
///
///     wstan key ring 1
///     origin 0123456789abcdef
///     NAME current SOURCE CREATED - BASE64
///     NAME previous SOURCE CREATED EXPIRY BASE64
///     sha256 HEX
///
/// Times are microseconds since the epoch; `-` stands for no time. A ring with a key of version 2 has another first line, by which
/// 0.1.0 refuses it. Each line then begins with its kind:
///
///     wstan key ring 2
///     origin 0123456789abcdef
///     realm BASE64URL
///     peer BASE64
///     server current SOURCE CREATED - BASE64
///     server previous SOURCE CREATED EXPIRY BASE64
///     v1 NAME current SOURCE CREATED - BASE64
///     v2 NAME current SOURCE CREATED - BASE64
///     sha256 HEX
///
/// `peer` is a client's, `server` a server's.
package enum KeyRingCodec {
    /// Why it is none.
    package enum Problem: Error, Equatable {
        case tooLong
        case isEmpty
        /// Of another version, or something else altogether.
        case unknownFormat
        /// Its digest is another one: cut off, overwritten or edited.
        case damaged
        /// Its digest is right, and it makes no sense; the number of the line, from 1 on.
        case malformed(line: Int)
    }

    enum Format: String, CaseIterable {
        case first = "wstan key ring 1\n"
        case second = "wstan key ring 2\n"
    }

    // MARK: Writing

    package static func encode(_ ring: KeyRing) -> [UInt8] {
        let format = ring.holdsV2 ? Format.second : .first
        var text = "\(format.rawValue)origin \(ring.origin)\n"
        if ring.realm != .none { text += "realm \(Base64.encodeUnpadded(ring.realm.bytes))\n" }
        if let peer = ring.peer { text += "peer \(Base64.encode(peer.bytes))\n" }
        for key in ring.server.keys { text += "server \(line(key, base64(key.key.privateKey)))\n" }
        for entry in ring.entries {
            let prefix = format == .first ? "" : "v1 "
            for key in entry.v1.keys { text += "\(prefix)\(entry.name) \(line(key, key.key.base64))\n" }
            for key in entry.v2.keys { text += "v2 \(entry.name) \(line(key, base64(key.key.secret)))\n" }
        }
        return ChecksumLine.append(to: Array(text.utf8))
    }

    private static func line<Value>(_ key: RingKey<Value>, _ base64: String) -> String {
        let state = key.expiry == nil ? "current" : "previous"
        let times = [key.created, key.expiry].map { $0.map { String($0.microseconds) } ?? "-" }
        return "\(state) \(key.source.rawValue) \(times[0]) \(times[1]) \(base64)"
    }

    private static func base64(_ secret: SecretBytes) -> String { Base64.encode(secret.withBytes { Array($0) }) }

    // MARK: Reading

    package static func decode(_ bytes: [UInt8]) throws(Problem) -> KeyRing {
        guard bytes.count <= KeyRingBounds.fileSize else { throw .tooLong }
        guard !bytes.isEmpty else { throw .isEmpty }
        guard let format = Format.allCases.first(where: { bytes.starts(with: $0.rawValue.utf8) }) else {
            throw .unknownFormat
        }
        guard let body = ChecksumLine.body(of: bytes), body.last == 10 else { throw .damaged }

        // The last one is empty: what follows the last line's end.
        let lines = body.split(separator: 10, omittingEmptySubsequences: false).dropLast()
        var found = KeyRingLines(format)
        for (index, line) in lines.enumerated().dropFirst() {
            guard let text = String(validating: line, as: UTF8.self), found.read(text) else {
                throw .malformed(line: index + 1)
            }
        }
        guard found.origin != nil else { throw .malformed(line: 2) }
        // There is one text for every ring.
        guard let ring = found.ring, encode(ring) == bytes else { throw .malformed(line: lines.count) }
        return ring
    }
}

/// The lines of a file, as far as they were read.
private struct KeyRingLines {
    let format: KeyRingCodec.Format
    var origin: KeyID?
    private var realm = Realm.none
    private var peer: ServerPublicKey?
    private var server = KeySeries<ServerKey>()
    private var entries: [KeyRing.Entry] = []

    init(_ format: KeyRingCodec.Format) {
        self.format = format
    }

    /// Nil if the lines make no ring.
    var ring: KeyRing? {
        origin.flatMap { KeyRing(entries: entries, server: server, peer: peer, realm: realm, origin: $0) }
    }

    /// - Returns: whether the line makes sense behind those before it.
    mutating func read(_ line: String) -> Bool {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)[...]
        guard origin != nil else { return readOrigin(fields) }
        guard format == .second else { return readKey(fields, in: \.v1) { Key(bytes: $0) } }
        let rest = fields.dropFirst()
        switch fields.first {
        case "realm": return readRealm(rest)
        case "peer": return readPeer(rest)
        case "server": return readServer(rest)
        case "v1": return readKey(rest, in: \.v1) { Key(bytes: $0) }
        case "v2": return readKey(rest, in: \.v2) { $0.count == UserKey.size ? UserKey(secret: SecretBytes($0)) : nil }
        default: return false
        }
    }

    private mutating func readOrigin(_ fields: ArraySlice<String>) -> Bool {
        guard fields.count == 2, fields.first == "origin" else { return false }
        origin = fields.last.flatMap { KeyID(text: $0) }
        return origin != nil
    }

    private mutating func readRealm(_ fields: ArraySlice<String>) -> Bool {
        guard fields.count == 1, let bytes = fields.first.flatMap({ Base64.decodeUnpadded($0.utf8) }),
            let realm = Realm(bytes)
        else { return false }
        self.realm = realm
        return true
    }

    private mutating func readPeer(_ fields: ArraySlice<String>) -> Bool {
        guard fields.count == 1, let bytes = fields.first.flatMap({ Base64.decode($0.utf8) }),
            bytes.count == X25519KeyPair.size
        else { return false }
        peer = ServerPublicKey(bytes)
        return true
    }

    private mutating func readServer(_ fields: ArraySlice<String>) -> Bool {
        let key = Self.key(fields) { $0.count == X25519KeyPair.size ? ServerKey(privateKey: SecretBytes($0)) : nil }
        return key.map { server.append($0) } ?? false
    }

    /// The keys of a name stand together.
    private mutating func readKey<Value: RingSecret>(
        _ fields: ArraySlice<String>, in series: WritableKeyPath<KeyRing.Entry, KeySeries<Value>>,
        _ secret: ([UInt8]) -> Value?
    ) -> Bool {
        guard let name = fields.first.flatMap({ KeyName($0) }), let key = Self.key(fields.dropFirst(), secret) else {
            return false
        }
        if entries.last?.name != name { entries.append(KeyRing.Entry(name: name)) }
        return entries[entries.count - 1][keyPath: series].append(key)
    }

    private static func key<Value: RingSecret>(
        _ fields: ArraySlice<String>, _ secret: ([UInt8]) -> Value?
    ) -> RingKey<Value>? {
        let fields = Array(fields)
        guard fields.count == 5, let source = RingSource(rawValue: fields[1]), let created = time(fields[2]),
            let expiry = time(fields[3]), fields[0] == (expiry == nil ? "current" : "previous"),
            var bytes = Base64.decode(fields[4].utf8)
        else { return nil }
        defer { bytes.withUnsafeMutableBytes { Erasure.erase($0) } }
        return secret(bytes).map { RingKey($0, source: source, created: created, expiry: expiry) }
    }

    /// - Returns: nil when it is no time; a nil inside when there is none.
    private static func time(_ field: String) -> CalendarTime?? {
        if field == "-" { return .some(nil) }
        // As it is written: no plus sign, no leading zeros.
        guard let number = Int64(field), String(number) == field else { return nil }
        return CalendarTime(microseconds: number)
    }
}

extension KeySeries {
    /// The current one comes first.
    ///
    /// - Returns: whether it may stand behind those before it.
    fileprivate mutating func append(_ key: RingKey<Value>) -> Bool {
        if key.expiry != nil {
            previous.append(key)
            return true
        }
        guard isEmpty else { return false }
        current = key
        return true
    }
}
