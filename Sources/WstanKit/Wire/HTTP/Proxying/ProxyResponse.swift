/// The head of a target's answer, and what becomes of it on the way to the user agent.
struct ProxyResponse {
    let status: Int
    let body: MessageBody
    /// Whether the target's connection may be used again.
    let persists: Bool
    private let head: HTTPHead
    private let hopByHop: HopByHop

    /// - Parameter toHEAD: whether it answers a HEAD request.
    init(_ head: HTTPHead, toHEAD: Bool) throws(HTTPHead.Failure) {
        guard let status = head.status, (100...599).contains(status) else { throw .malformed }
        self.status = status
        self.head = head
        body = try MessageBody(ofResponse: head, status: status, toHEAD: toHEAD)
        hopByHop = try HopByHop(head)
        let options = head.listItems(of: "Connection") ?? []
        let isCoded = !head.values(of: "Transfer-Encoding").isEmpty
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
    /// - Parameter closing: whether its connection ends with this answer.
    func forwarded(closing: Bool) -> [UInt8] {
        // RFC 9110 section 6.2: the version is that of the sender, which is us.
        var forwarded = MessageHead(firstLine: Array("HTTP/1.1 \(status) ".utf8) + head.reasonBytes)
        // RFC 9112 section 6.3: a coding overrides a length, which then must not be passed on.
        let dropsLength = !head.values(of: "Transfer-Encoding").isEmpty
        for field in head.allFields where !hopByHop.contains(field.name) {
            if dropsLength, HTTPHead.isEqual(field.name, "Content-Length") { continue }
            forwarded.add(field.name, field.value)
        }
        // 426 says with it which protocol is needed (RFC 9110 section 15.5.22).
        let names = isUpgrade || status == 426 ? head.values(of: "Upgrade") : []
        for value in names { forwarded.add("Upgrade".utf8, value) }
        var options = names.isEmpty ? [] : ["Upgrade"]
        if closing { options.append("close") }
        if !options.isEmpty { forwarded.add("Connection", options.joined(separator: ", ")) }
        forwarded.endLine()
        return forwarded.bytes
    }
}
