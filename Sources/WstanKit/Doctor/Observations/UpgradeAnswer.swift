import WstanBase
import WstanCore

/// What came back when a server was asked for a WebSocket, as far as it tells who answered and why.
struct UpgradeAnswer: Equatable, Sendable {
    var status: Int
    var reason = ""
    /// What it calls itself.
    var server: String?
    var contentType: String?
    /// Where it sends elsewhere.
    var location: String?
    /// Its clock, in seconds since the epoch.
    var date: Double?
    /// Whether it says that the protocol changes to WebSocket.
    var changesProtocol = false
    /// Whether it belongs to the key that was sent.
    var hasRightKey = false

    var isAccepted: Bool { status == 101 && changesProtocol && hasRightKey }

    /// As in `404 Not Found, from Server: nginx`.
    var description: String {
        let line = reason.isEmpty ? "\(status)" : "\(status) \(reason)"
        let from = server.map { ", from a server that calls itself '\($0)'" } ?? ""
        return line + from
    }
}

extension UpgradeAnswer {
    /// - Parameter failure: why it opens no tunnel; nil when it does.
    /// - Returns: nil when it is no answer of HTTP.
    init?(_ head: HTTPHead, _ failure: ClientHandshake.Failure?) {
        guard let status = head.status else { return nil }
        func text(_ name: String) -> String? {
            // Shown to a person, so only what is visible, and not all of a long one.
            head.values(of: name).first.map { Printable.ascii($0.prefix(100)) }
        }
        self.init(
            status: status, reason: head.reason, server: text("Server"), contentType: text("Content-Type"),
            location: text("Location"), date: head.value(of: "Date").flatMap { HTTPDate.parse($0) }.map(Double.init))
        changesProtocol = failure == nil || failure == .otherKey
        hasRightKey = failure == nil
    }
}
