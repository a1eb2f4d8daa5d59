import WstanBase

/// Where M1 rides in the head of a request (section 4.2), in the order in which a server looks.
package enum RequestCarrier: String, CaseIterable, Sendable {
    case cookie
    case path
    /// `Sec-WebSocket-Protocol`.
    case subprotocol = "protocol"
}

/// What may be M1, as its text. There is at most one in a request.
struct RequestCandidate: Equatable, Sendable {
    let carrier: RequestCarrier
    let text: [UInt8]

    /// - Returns: nil unless it is canonical base64url without padding.
    var decoded: [UInt8]? { Base64.decodeUnpadded(text) }

    init(_ carrier: RequestCarrier, _ text: [UInt8]) {
        self.carrier = carrier
        self.text = text
    }

    /// - Returns: nil when nothing in the request has the length of one.
    init?(in head: HTTPHead, for keys: LiveServerKeys) {
        let texts: [(RequestCarrier, () -> [UInt8]?)] = [
            (.cookie, { Self.cookie(in: head, for: keys) }),
            (.path, { Self.path(of: head) }),
            (.subprotocol, { head.values(of: "Sec-WebSocket-Protocol").first.map { Array($0) } }),
        ]
        for (carrier, find) in texts {
            if let text = find(), HandshakeBounds.candidates.contains(text.count) {
                self.init(carrier, text)
                return
            }
        }
        return nil
    }

    /// The former key's cookie is looked for only where the current one's is not there.
    private static func cookie(in head: HTTPHead, for keys: LiveServerKeys) -> [UInt8]? {
        let fields = head.values(of: "Cookie")
        for key in keys.live {
            if let text = RequestCookie.text(in: fields, key.publicKey.cookieName) { return text }
        }
        return nil
    }

    /// What follows the last slash of the path, without a query. Fronts rewrite what stands before it. The target may be of any form
    /// (RFC 9112 section 3.2).
    private static func path(of head: HTTPHead) -> [UInt8]? {
        guard let target = head.requestLine?.target else { return nil }
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        return path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[($0 + 1)...]) }
    }
}

/// M1 in a cookie, or in two where one would be longer than browsers allow: web frameworks split theirs alike.
enum RequestCookie {
    /// The value of the `Cookie` field: `NAME=text`, or `NAME.0=text; NAME.1=text`.
    static func field(_ text: String, name: String) -> String {
        let characters = text.utf8
        guard characters.count > HandshakeBounds.cookie else { return "\(name)=\(text)" }
        let parts = [characters.prefix(HandshakeBounds.cookie), characters.dropFirst(HandshakeBounds.cookie)]
        return parts.enumerated().map { "\(name).\($0)=\(String(decoding: $1, as: UTF8.self))" }.joined(separator: "; ")
    }

    /// - Returns: nil when there is neither NAME nor NAME.0.
    static func text(in fields: [ArraySlice<UInt8>], _ name: String) -> [UInt8]? {
        if let whole = value(of: Array(name.utf8), in: fields) { return Array(whole) }
        guard let first = value(of: Array("\(name).0".utf8), in: fields) else { return nil }
        return Array(first) + (value(of: Array("\(name).1".utf8), in: fields) ?? [])
    }

    /// Of the first cookie of that name in all fields: fronts add some, and may give each a field of its own (RFC 9113 section 8.2.3).
    private static func value(of name: [UInt8], in fields: [ArraySlice<UInt8>]) -> ArraySlice<UInt8>? {
        for field in fields {
            var rest = field
            while !rest.isEmpty {
                let cookie = rest.prefix { $0 != UInt8(ascii: ";") }
                rest = rest[cookie.endIndex...].dropFirst()
                let pair = cookie.trimmed
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { continue }
                if pair[..<equals].trimmed.elementsEqual(name) { return pair[(equals + 1)...].trimmed }
            }
        }
        return nil
    }
}
