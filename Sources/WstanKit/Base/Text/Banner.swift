/// How a peer begins that speaks another protocol than the one that was expected.
package enum Banner: Equatable, Sendable {
    /// A record of TLS (RFC 8446 section 5.1), most often an alert.
    case tls
    case http
    /// A request for a WebSocket (RFC 6455 section 4.1).
    case webSocket
    /// RFC 4253 section 4.2.
    case ssh
    /// What is visible of the first line, as of a mail server; at most `longestText` characters.
    case text(String)
    case binary
    /// The peer has sent nothing.
    case nothing

    private static let longestText = 60

    package init(_ bytes: some Collection<UInt8>) {
        let start = Array(bytes.prefix(4 * Self.longestText))
        let line = start.prefix { $0 != 10 && $0 != 13 }
        let text = Printable.ascii(line)
        if start.isEmpty {
            self = .nothing
        } else if start.count >= 2, (20...23).contains(start[0]), start[1] == 3 {
            self = .tls
        } else if start.starts(with: "HTTP/".utf8) {
            self = .http
        } else if line.starts(with: "GET ".utf8) {
            self = Self.asksForWebSocket(bytes) ? .webSocket : .http
        } else if start.starts(with: "SSH-".utf8) {
            self = .ssh
        } else if !line.isEmpty, text.utf8.count == line.count {
            self = .text(String(text.prefix(Self.longestText)))
        } else {
            self = .binary
        }
    }

    private static func asksForWebSocket(_ head: some Collection<UInt8>) -> Bool {
        let lines = String(decoding: head, as: UTF8.self).lowercased().split(whereSeparator: \.isNewline)
        return lines.contains { $0.hasPrefix("upgrade:") && $0.contains("websocket") }
    }
}
