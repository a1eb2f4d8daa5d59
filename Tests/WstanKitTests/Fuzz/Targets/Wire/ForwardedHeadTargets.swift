@testable import WstanCore

extension FuzzTarget {
    /// What a target gets is one well-formed request, with one `Host`, the framing of what came, and every field of it
    /// but those for this hop.
    static let proxyRequest = FuzzTarget(
        "proxy-request",
        seeds: [
            "GET http://a.example:81/x?y HTTP/1.1\r\nHost: b\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nAccept: */*",
            "POST http://[::1]?q HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\nTE: trailers, deflate\r\nTrailer: S",
            "OPTIONS HTTP://a: HTTP/1.0\r\nContent-Length: 0012\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 3",
            "GET http://a/ HTTP/1.1\r\nConnection: Upgrade, host, content-length\r\nUpgrade: x\r\nContent-Length: 3",
            "GET http://a/ HTTP/1.1\r\nConnection:\(String(repeating: " ,", count: 70)) close, x-hop\r\nX-Hop: 1",
            "GET http://a@b/ HTTP/1.1", "GET /x HTTP/1.1\r\nHost: a", "GET https://a/ HTTP/1.1",
            "PUT http://a/ HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
            "TRACE http://u:p%40@a:/x#y HTTP/1.1\r\nMax-Forwards: 3", "\nGET http://%61@%61/ HTTP/1.0\nA: b",
        ].map { Array("\($0)\r\n\r\n".utf8) }
    ) { input in
        guard let head = try? HTTPHead(input.rest()), head.allFields.count < 190,
            let request = try? ProxyRequest(head)
        else { return }
        let forwarded = forwardedHead(request.head, as: .request)
        guard let line = forwarded.requestLine, let original = head.requestLine else {
            fatalError("broken promise: a request line")
        }
        require(line.method == original.method, "the same method")
        let target = original.target.prefix { $0 != UInt8(ascii: "#") }
        require(target.reversed().starts(with: request.target.resource.reversed()), "the path as it came")
        let isAsterisk = line.target == [42] && request.target.resource.isEmpty
        require(line.target.first == UInt8(ascii: "/") || isAsterisk, "a target in origin form")
        require(line.target.reversed().starts(with: request.target.resource.reversed()) || isAsterisk, "nothing lost")
        require(forwarded.minorVersion == min(1, head.minorVersion), "no newer than it came")

        require(forwarded.values(of: "Host").map { Array($0) } == [Array(request.target.authority.utf8)], "one Host")
        require(request.target.host.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != 47 && $0 != 64 }, "a host")
        require((try? MessageBody(ofRequest: forwarded)) == request.body, "the same framing")

        let hop = HopReference(head)
        var rebuilt: Set<[UInt8]> = ["connection", "te", "upgrade", "host", "max-forwards"].reduce(into: []) {
            $0.insert(Array($1.utf8))
        }
        let isAuthorizedAnew = request.target.credentials != nil && head.values(of: "Authorization").isEmpty
        require(!isAuthorizedAnew || forwarded.values(of: "Authorization").count == 1, "what was typed before the host")
        if isAuthorizedAnew { rebuilt.insert(Array("authorization".utf8)) }
        require(
            fields(of: forwarded, but: rebuilt) == fields(of: head, but: rebuilt.union(hop.names)), "all else stays")
        rebuilt = hop.tokens(of: forwarded)
        require(rebuilt.isSubset(of: [Array("upgrade".utf8), Array("te".utf8), Array("close".utf8)]), "ours alone")
        require(rebuilt.contains(Array("close".utf8)) == !request.persists, "close is said when it is meant")
        require(!hop.asked.contains(Array("close".utf8)) || !request.persists, "who wants it closed gets it closed")
        require(
            forwarded.values(of: "Upgrade").isEmpty == !request.asksForUpgrade, "an upgrade only if it is asked for")
        require(!request.asksForUpgrade || hop.asked.contains(Array("upgrade".utf8)), "and for this hop")
        require(forwarded.values(of: "TE").allSatisfy { $0.elementsEqual("trailers".utf8) }, "TE of our own")
        require(forwarded.values(of: "TE").isEmpty == !rebuilt.contains(Array("te".utf8)), "TE is of this hop")
    }

    /// What a user agent gets is one well-formed head, with the framing of what came, and every field of it but those
    /// for this hop.
    static let proxyResponse = FuzzTarget(
        "proxy-response",
        seeds: [
            "HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 3\r\nContent-Length: 12",
            "HTTP/1.0 200\r\nConnection: keep-alive\r\nContent-Length: 3\r\nContent-Length: 03",
            "HTTP/1.1 200 O\u{1}K\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\nTrailer: Sum",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: gzip\r\nConnection: transfer-encoding",
            "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: echo", "HTTP/1.1 426 No\r\nUpgrade: x\r\nUpgrade: y",
            "HTTP/1.1 407 P\r\nProxy-Authenticate: Basic\r\nTE: x\r\nContent-Length: 0", "HTTP/1.1 204 None",
            "ICY 200\nX-Hop : a\n\tb\u{0}\nConnection\t: x-hop\n c\nno field\r\nC: d\n", "http/1.2  999\r\nA:\rb",
            "HTTP/1.1 200 OK\r\nConnection:\(String(repeating: "\t,", count: 70)) close, x-hop\r\nX-Hop: 1",
        ].flatMap { [[0] + Array("\($0)\r\n\r\n".utf8), [3] + Array("\($0)\r\n\r\n".utf8)] }
    ) { input in
        let choice = input.byte()
        let toHEAD = choice & 1 == 1
        let closing = choice & 2 == 2
        guard let head = try? HTTPHead(input.rest(), as: .answer), head.allFields.count < 190,
            let response = try? ProxyResponse(head, toHEAD: toHEAD)
        else { return }
        let forwarded = forwardedHead(response.forwarded(closing: closing, now: 0), as: .answer)
        require(forwarded.status == response.status && forwarded.minorVersion == 1, "the same status, of our version")
        let body = try? MessageBody(ofResponse: forwarded, status: response.status, toHEAD: toHEAD)
        require(body == response.body, "the same framing")
        require(
            forwarded.values(of: "Content-Length").isEmpty || forwarded.values(of: "Transfer-Encoding").isEmpty,
            "no second framing")

        let hop = HopReference(head)
        var rebuilt: Set<[UInt8]> = [Array("connection".utf8), Array("upgrade".utf8), Array("content-length".utf8)]
        require(forwarded.values(of: "Content-Length").count <= 1, "one length")
        if head.values(of: "Date").isEmpty { rebuilt.insert(Array("date".utf8)) }
        if response.status < 200 || response.status == 204 || !MessageBody.isCoded(head) {
            rebuilt.insert(Array("transfer-encoding".utf8))
        }
        require(
            fields(of: forwarded, but: rebuilt) == fields(of: head, but: rebuilt.union(hop.names)), "all else stays")
        let said = hop.tokens(of: forwarded)
        require(said.isSubset(of: [Array("upgrade".utf8), Array("close".utf8)]), "ours alone")
        require(said.contains(Array("close".utf8)) == closing, "close is said when it is meant")
        require(!response.persists || !hop.asked.contains(Array("close".utf8)), "who closes is not used again")
        require(
            forwarded.values(of: "Upgrade").isEmpty || [101, 426].contains(response.status), "no upgrade is offered")
    }

    /// A head that is sent is read again as it is, and ends where it ends.
    private static func forwardedHead(_ bytes: [UInt8], as kind: HTTPHead.Kind) -> HTTPHead {
        var gatherer = HeadGatherer(limit: .max, as: kind)
        guard let head = try? bytes.withBytes({ (all) throws(HTTPHead.Failure) in try gatherer.append(all) }),
            head.bytes == bytes
        else { fatalError("broken promise: a whole head is sent: \(String(decoding: bytes, as: UTF8.self))") }
        let ends = bytes.indices.filter { bytes[$0] == 10 }
        require(ends.count == head.allFields.count + 2, "as many lines as fields")
        require(bytes.count { $0 == 13 } == ends.count && ends.allSatisfy { bytes[$0 - 1] == 13 }, "lines end once")
        require(!bytes.contains(0), "no NUL")
        return head
    }

    private static func fields(of head: HTTPHead, but left: Set<[UInt8]>) -> [[UInt8]] {
        head.allFields.filter { !left.contains($0.name.map(HTTPHead.lowercased)) }.map { $0.name + [58] + $0.value }
    }
}

/// RFC 9110 section 7.6.1, told by the text of the fields alone.
private struct HopReference {
    /// What `Connection` lists.
    private(set) var asked: Set<[UInt8]> = []
    /// The fields that end here.
    private(set) var names: Set<[UInt8]> = []

    init(_ head: HTTPHead) {
        asked = tokens(of: head)
        // What says where a message ends and where it goes cannot be left out, whatever anybody asks for.
        names = asked.subtracting(["content-length", "transfer-encoding", "host"].map { Array($0.utf8) })
        for name in [
            "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate",
            "proxy-authentication-info", "te", "upgrade",
        ] { names.insert(Array(name.utf8)) }
    }

    func tokens(of head: HTTPHead) -> Set<[UInt8]> {
        let text = head.values(of: "Connection").joined(separator: [44])
        let items = text.map { $0 == 9 ? 32 : HTTPHead.lowercased($0) }.split(separator: 44)
        return Set(items.map { Array($0.trimmed) }).subtracting([[]])
    }
}

extension ArraySlice<UInt8> {
    fileprivate var trimmed: ArraySlice<UInt8> {
        let front = drop { $0 == 32 }
        return front.prefix(front.lastIndex { $0 != 32 }.map { $0 + 1 - front.startIndex } ?? 0)
    }
}
