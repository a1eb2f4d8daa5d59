/// The head of a target's answer, and what becomes of it on the way to the user agent.
struct ProxyResponse {
    let status: Int
    let body: MessageBody
    /// Whether the target's connection may be used again.
    let persists: Bool
    private let isCoded: Bool
    private let head: HTTPHead
    private let hopByHop: HopByHop

    /// - Parameter toHEAD: whether it answers a HEAD request.
    init(_ head: HTTPHead, toHEAD: Bool) throws(HTTPHead.Failure) {
        guard let status = head.status else { throw .notHTTP }
        // RFC 9110 section 15: those of 600 and more are passed on for user agents to take as server errors.
        guard status >= 100 else { throw .status(status) }
        self.status = status
        self.head = head
        body = try MessageBody(ofResponse: head, status: status, toHEAD: toHEAD)
        hopByHop = try HopByHop(head)
        let options = head.listItems(of: "Connection") ?? []
        isCoded = MessageBody.isCoded(head)
        // RFC 9112 section 9.3; and section 6.1: a coding from a 1.0 sender, or beside a length, may be framed wrongly.
        persists =
            head.minorVersion > 0
            ? !options.contains(Array("close".utf8)) && !(isCoded && !head.values(of: "Content-Length").isEmpty)
            : options.contains(Array("keep-alive".utf8)) && !isCoded
    }

    /// 1xx but 101: the answer is still to come (RFC 9110 section 15.2).
    var isInterim: Bool { status < 200 && status != 101 }
    /// What follows is of another protocol (RFC 9110 section 15.2.2).
    var isUpgrade: Bool { status == 101 }

    /// As the user agent gets it.
    ///
    /// - Parameters:
    ///   - closing: whether its connection ends with this answer.
    ///   - now: seconds since the epoch.
    func forwarded(closing: Bool, now: Int64) -> [UInt8] {
        // RFC 9110 section 6.2: the version is that of the sender, which is us.
        var forwarded = MessageHead(firstLine: Array("HTTP/1.1 \(status) ".utf8) + head.reasonBytes)
        var length = forwardedLength
        for field in head.allFields where !hopByHop.contains(field.name) {
            if HTTPHead.isEqual(field.name, "Content-Length") {
                // RFC 9110 section 8.6: once, whatever came.
                if let length { forwarded.add(field.name, "\(length)".utf8) }
                length = nil
            } else if isCoded && !hasNoBody || !HTTPHead.isEqual(field.name, "Transfer-Encoding") {
                forwarded.add(field.name, field.value)
            }
        }
        // RFC 9110 section 6.6.1.
        if status >= 200, head.values(of: "Date").isEmpty { forwarded.add("Date", HTTPDate.format(now)) }
        // 426 says with it which protocol is needed (RFC 9110 section 15.5.22).
        let names = isUpgrade || status == 426 ? head.values(of: "Upgrade") : []
        for value in names { forwarded.add("Upgrade".utf8, value) }
        var options = names.isEmpty ? [] : ["Upgrade"]
        if closing { options.append("close") }
        if !options.isEmpty { forwarded.add("Connection", options.joined(separator: ", ")) }
        forwarded.endLine()
        return forwarded.bytes
    }

    /// Whether an answer of that status never has a body, so that nothing about one may stand in it (RFC 9110 section
    /// 8.6, RFC 9112 section 6.1).
    private var hasNoBody: Bool { status < 200 || status == 204 }

    /// nil when no length is to be passed on.
    private var forwardedLength: Int? {
        // RFC 9112 section 6.3: a coding overrides a length, which then must not be passed on.
        guard !hasNoBody, !isCoded else { return nil }
        return (try? MessageBody.length(ofResponse: head)) ?? nil
    }
}
