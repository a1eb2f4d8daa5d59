/// A request whose last recipient is this proxy: OPTIONS about the proxy itself (RFC 9110 section 9.3.7), and OPTIONS or
/// TRACE that no proxy is to pass on (section 7.6.2).
struct FinalRequest {
    private let head: HTTPHead
    private let isTRACE: Bool
    /// Whether the user agent's connection may be used again.
    let persists: Bool

    /// - Returns: nil for all others, and for what `ProxyRequest` refuses.
    init?(_ head: HTTPHead) {
        guard let line = head.requestLine else { return nil }
        let isOPTIONS = line.method.elementsEqual("OPTIONS".utf8)
        let isForProxy = isOPTIONS && line.target.elementsEqual("*".utf8)
        let isForNone = MaxForwards(head)?.count == 0 && (try? AbsoluteTarget(line.target)) != nil
        guard isForProxy || isForNone, head.values(of: "Host").count <= 1 else { return nil }
        self.head = head
        isTRACE = !isOPTIONS
        // A body is not read.
        persists =
            head.minorVersion > 0 && !head.hasToken("close", in: "Connection")
            && !head.hasToken("close", in: "Proxy-Connection")
            && (try? MessageBody(ofRequest: head)) == MessageBody.none
    }

    func answer(closing: Bool) -> [UInt8] {
        var answer = MessageHead(firstLine: Array("HTTP/1.1 200 OK".utf8))
        let body = isTRACE ? reflection : []
        if isTRACE {
            answer.add("Content-Type", "message/http")
        } else {
            answer.add("Allow", "CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE")
        }
        answer.add("Content-Length", "\(body.count)")
        if closing { answer.add("Connection", "close") }
        answer.endLine()
        return answer.bytes + body
    }

    /// Section 9.3.8: what was received, but for secrets.
    private var reflection: [UInt8] {
        var reflection = MessageHead(firstLine: head.startLine)
        for field in head.allFields
        where !["Authorization", "Proxy-Authorization", "Cookie"].contains(where: { HTTPHead.isEqual(field.name, $0) })
        {
            reflection.add(field.name, field.value)
        }
        reflection.endLine()
        return reflection.bytes
    }
}
