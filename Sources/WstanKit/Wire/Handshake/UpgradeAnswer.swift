import WstanBase

/// What came back when a server was asked for a tunnel, as far as it tells who answered and why: the evidence. What it means is said by
/// the client's table of causes.
package struct UpgradeAnswer: Equatable, Sendable {
    package var status: Int
    /// The x of HTTP/1.x.
    package var minorVersion = 1
    package var reason = ""
    /// What the sender calls itself.
    package var server: String?
    package var contentType: String?
    /// Where it sends the client: scheme, host and port alone, since the path may be a secret; `elsewhere` where it names no host.
    package var location: String?
    /// The protocols that it names in `Upgrade`.
    package var upgrade: String?
    /// The versions of WebSocket that it names in `Sec-WebSocket-Version`.
    package var webSocketVersions: String?
    /// By how many seconds its clock is ahead of this host's.
    package var clockAhead: Double?
    /// Whether the question went through TLS.
    package var usesTLS = false
    /// Whether `location` is the same host, by https.
    package var redirectsToTLS = false
    /// Whether it names a time after which to try again.
    package var hasRetryAfter = false
    /// What web servers say in the body of a 400 only.
    package var complaint: Complaint?
    /// Why it opens no tunnel; nil when it does.
    package var failure: ClientHandshake.Failure?
    /// What the request rode in; nil in version 1.
    var carrier: RequestCarrier?
    /// Version 2: the client chooses the carrier by itself.
    var othersAreTried = false

    package enum Complaint: Equatable, Sendable {
        /// The port expects TLS.
        case plainHTTP
        /// The head is too long.
        case tooLarge
    }

    package init(status: Int) {
        self.status = status
    }

    package var isAccepted: Bool { failure == nil }

    /// Whether a server of ours, or Python's, may have said it: with the plain answer, or with a 101 that something on the way has
    /// changed.
    package var mayBeFromServer: Bool { [101, 200, 400, 404].contains(status) }

    /// Whether it names versions of WebSocket, and ours is not one of them (RFC 6455 section 4.4).
    package var knowsOtherVersions: Bool {
        guard let webSocketVersions else { return false }
        return !webSocketVersions.split(whereSeparator: { ", ".contains($0) }).contains("13")
    }

    /// As in `404 Not Found (Server: nginx)`.
    package var description: String {
        let line = reason.isEmpty ? "\(status)" : "\(status) \(reason)"
        return line + (server.map { " (Server: \($0))" } ?? "")
    }
}

extension UpgradeAnswer {
    /// How much of a body is looked at.
    private static let bodySeen = 1024
    /// Of a field that is shown to a person.
    private static let valueShown = 100

    /// - Parameters:
    ///   - body: what came with the head.
    ///   - failure: why it opens no tunnel.
    ///   - now: seconds since the epoch.
    package init(
        _ head: HTTPHead, body: some Collection<UInt8>, _ failure: ClientHandshake.Failure?,
        to server: ClientHandshake.Server,
        usesTLS: Bool, now: Double
    ) {
        func text(_ name: String) -> String? {
            head.values(of: name).first.map { Printable.ascii($0.prefix(Self.valueShown)) }
        }
        /// Of all fields of that name, since some write an item into each.
        func list(_ name: String) -> String? {
            let values = head.values(of: name).filter { !$0.isEmpty }
            return values.isEmpty ? nil : Printable.ascii(values.joined(separator: ", ".utf8).prefix(Self.valueShown))
        }
        status = head.status ?? 0
        minorVersion = head.minorVersion
        reason = head.reason
        self.server = text("Server")
        contentType = text("Content-Type")
        location = head.values(of: "Location").first.map { Self.place(Printable.ascii($0)) }
        upgrade = list("Upgrade")
        webSocketVersions = list("Sec-WebSocket-Version")
        clockAhead = head.value(of: "Date").flatMap { HTTPDate.parse($0) }.map { Double($0) - now }
        self.usesTLS = usesTLS
        redirectsToTLS = !usesTLS && (300...399).contains(status) && Self.isSecure(location ?? "", of: server.host)
        hasRetryAfter = head.value(of: "Retry-After") != nil
        complaint = status == 400 ? Complaint(body.prefix(Self.bodySeen)) : nil
        self.failure = failure
    }

    /// RFC 3986 section 3.2, without user information.
    private static func place(_ location: String) -> String {
        let scheme = location.prefix { !":/?#".contains($0) }
        let rest = location.dropFirst(scheme.count)
        let isWhole = !scheme.isEmpty && rest.hasPrefix("://")
        guard isWhole || location.hasPrefix("//") else { return "elsewhere" }
        let authority = rest.dropFirst(isWhole ? 3 : 2).prefix { !"/?#\\".contains($0) }
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        guard !host.isEmpty else { return "elsewhere" }
        return String(((isWhole ? scheme + "://" : "//") + host).prefix(valueShown)) + "/"
    }

    /// Whether a URI leads to the same host by https.
    private static func isSecure(_ location: String, of host: String) -> Bool {
        let scheme = "https://"
        let location = location.lowercased()
        guard location.hasPrefix(scheme) else { return false }
        return name(in: location.dropFirst(scheme.count)) == name(in: host.lowercased())
    }

    private static func name(in authority: some StringProtocol) -> String {
        String(authority.first == "[" ? authority.prefix { $0 != "]" } : authority.prefix { !":/?#".contains($0) })
    }
}

extension UpgradeAnswer.Complaint {
    /// The words of nginx, Apache, Go and lighttpd for plain HTTP on a port for TLS; nginx's and Apache's for a head that is
    /// too long.
    private static let words: [(String, Self)] = [
        ("plain http request was sent to https port", .plainHTTP), ("plain http to an ssl-enabled", .plainHTTP),
        ("http request to an https server", .plainHTTP), ("header or cookie too large", .tooLarge),
        ("header field exceeds server limit", .tooLarge),
    ]

    fileprivate init?(_ body: some Collection<UInt8>) {
        let text = String(decoding: body, as: UTF8.self).lowercased()
        guard let complaint = Self.words.first(where: { text.contains($0.0) })?.1 else { return nil }
        self = complaint
    }
}
