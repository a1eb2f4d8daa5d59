import WstanBase

/// The ring as text, a line per key, with its own digest in the last line: a file that was cut, or edited without
/// knowing what it means, is no ring.
///
///     wstan key ring 1
///     origin 0123456789abcdef
///     NAME current SOURCE CREATED - BASE64
///     NAME previous SOURCE CREATED EXPIRY BASE64
///     sha256 HEX
///
/// Times are microseconds since the epoch; `-` where there is none.
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

    private static let header = "wstan key ring 1"
    private static let origin = "origin "

    package static func encode(_ ring: KeyRing) -> [UInt8] {
        var text = "\(header)\n\(origin)\(ring.origin)\n"
        for entry in ring.entries {
            for key in entry.keys {
                let state = key.expiry == nil ? "current" : "previous"
                let times = [key.created, key.expiry].map { $0.map { String($0.microseconds) } ?? "-" }
                text += "\(entry.name) \(state) \(key.source.rawValue) \(times[0]) \(times[1]) \(key.key.base64)\n"
            }
        }
        return ChecksumLine.append(to: Array(text.utf8))
    }

    package static func decode(_ bytes: [UInt8]) throws(Problem) -> KeyRing {
        guard bytes.count <= KeyRingBounds.fileSize else { throw .tooLong }
        guard !bytes.isEmpty else { throw .isEmpty }
        guard bytes.starts(with: "\(header)\n".utf8) else { throw .unknownFormat }
        guard let body = ChecksumLine.body(of: bytes), body.last == 10 else { throw .damaged }

        // The last one is empty: what follows the last line's end.
        let lines = body.split(separator: 10, omittingEmptySubsequences: false).dropLast()
        var origin: KeyID?
        var entries: [KeyRing.Entry] = []
        for (index, line) in lines.enumerated().dropFirst() {
            guard let text = String(validating: line, as: UTF8.self) else { throw .malformed(line: index + 1) }
            if index == 1 {
                origin = text.suffix(of: Self.origin).flatMap(KeyID.init(text:))
                continue
            }
            guard let (name, key) = read(text) else { throw .malformed(line: index + 1) }
            guard add(key, of: name, to: &entries) else { throw .malformed(line: index + 1) }
        }
        guard let origin else { throw .malformed(line: 2) }
        guard let ring = KeyRing(entries: entries, origin: origin) else { throw .malformed(line: lines.count) }
        return ring
    }

    /// The keys of a name stand together, the current one first.
    private static func add(_ key: RingKey, of name: KeyName, to entries: inout [KeyRing.Entry]) -> Bool {
        if entries.last?.name == name {
            guard key.expiry != nil else { return false }
            entries[entries.count - 1].previous.append(key)
            return true
        }
        var entry = KeyRing.Entry(name: name)
        if key.expiry == nil { entry.current = key } else { entry.previous = [key] }
        entries.append(entry)
        return true
    }

    private static func read(_ line: String) -> (KeyName, RingKey)? {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, let name = KeyName(fields[0]), let source = RingKey.Source(rawValue: fields[2]),
            let created = time(fields[3]), let expiry = time(fields[4]),
            fields[1] == (expiry == nil ? "current" : "previous"),
            let bytes = Base64.decode(Array(fields[5].utf8)), let key = Key(bytes: bytes)
        else { return nil }
        return (name, RingKey(key, source: source, created: created, expiry: expiry))
    }

    /// - Returns: nil when it is no time; a nil inside when there is none.
    private static func time(_ field: String) -> CalendarTime?? {
        if field == "-" { return .some(nil) }
        // As it is written, so that there is one text for every ring: no plus sign, no leading zeros.
        guard let number = Int64(field), String(number) == field else { return nil }
        return CalendarTime(microseconds: number)
    }
}

extension String {
    fileprivate func suffix(of prefix: String) -> String? {
        utf8.starts(with: prefix.utf8) ? String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : nil
    }
}
