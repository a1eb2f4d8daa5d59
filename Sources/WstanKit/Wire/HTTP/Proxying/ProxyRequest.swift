/// A request to the proxy, and what becomes of its head on the way to its target.
struct ProxyRequest: Equatable {
    let target: AbsoluteTarget
    let body: MessageBody
    /// As the target gets it.
    let head: [UInt8]
    let isHEAD: Bool
    let minorVersion: Int
    /// Whether sending it twice does what sending it once does (RFC 9110 section 9.2.2).
    let isIdempotent: Bool
    /// Whether the user agent's connection may be used again.
    let persists: Bool
    /// Whether it asks for another protocol (RFC 9110 section 7.8).
    let asksForUpgrade: Bool

    private static let idempotent: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]

    init(_ head: HTTPHead) throws(RequestFault) {
        guard let line = head.requestLine else { throw .malformed }
        target = try AbsoluteTarget(line.target)
        body = try MessageBody(ofRequest: head)
        // The URI says where it goes, whatever `Host` says; but two of them are a quarrel (RFC 9112 section 3.2).
        guard head.values(of: "Host").count <= 1 else { throw .malformed }
        guard let options = head.listItems(of: "Connection"), let hopByHop = try? HopByHop(head) else {
            throw .malformed
        }
        let method = String(decoding: line.method, as: UTF8.self)
        isHEAD = method == "HEAD"
        isIdempotent = Self.idempotent.contains(method)
        minorVersion = head.minorVersion
        let closes =
            options.contains(Array("close".utf8)) || head.hasToken("close", in: "Proxy-Connection")
        // RFC 9112 section 9.3: a proxy keeps no connection with a 1.0 user agent.
        persists = minorVersion > 0 && !closes
        asksForUpgrade =
            minorVersion > 0 && options.contains(Array("upgrade".utf8)) && !head.values(of: "Upgrade").isEmpty
        self.head = Self.forwarded(head, line.method, target, hopByHop, persists: persists, upgrade: asksForUpgrade)
    }

    /// No `Via` is added, though RFC 9110 section 7.6.3 wants one: what a target can see of this proxy, others can.
    private static func forwarded(
        _ head: HTTPHead, _ method: ArraySlice<UInt8>, _ target: AbsoluteTarget, _ hopByHop: HopByHop, persists: Bool,
        upgrade: Bool
    ) -> [UInt8] {
        // To a 1.0 user agent's request the target must answer in a way that a 1.0 user agent understands, since bodies
        // are passed on as they come: so the version is not raised.
        let version = head.minorVersion > 0 ? "1" : "0"
        let line = Array(method) + [32] + target.originForm(method: method) + Array(" HTTP/1.\(version)".utf8)
        var forwarded = MessageHead(firstLine: line)
        // RFC 9112 section 3.2.2: made anew from the target.
        forwarded.add("Host", target.authority)
        for field in head.allFields
        where !hopByHop.contains(field.name) && !HTTPHead.isEqual(field.name, "Host") {
            forwarded.add(field.name, field.value)
        }
        var options: [String] = []
        if upgrade {
            for value in head.values(of: "Upgrade") { forwarded.add("Upgrade".utf8, value) }
            options.append("Upgrade")
        }
        // RFC 9110 section 10.1.4: trailers pass through, so this much of TE is true of us too.
        if head.hasToken("trailers", in: "TE") {
            forwarded.add("TE", "trailers")
            options.append("TE")
        }
        if !persists { options.append("close") }
        if !options.isEmpty { forwarded.add("Connection", options.joined(separator: ", ")) }
        forwarded.endLine()
        return forwarded.bytes
    }
}

/// Why a request to the proxy is not forwarded.
enum RequestFault: Error, Equatable {
    /// A head that two readers could read in two ways, or nobody.
    case malformed
    /// A head that is too long, or has too many fields.
    case tooLarge
    /// A target that is no absolute URI, or one without a host.
    case unusableTarget
    /// `GET /path`: what a browser sends to a web server. It has been pointed at us, not told to use us.
    case meantForServer
    /// A name and password in the URI (RFC 9110 section 4.2.4): it may be there to deceive.
    case userInformation
    /// A URI of another scheme than http; `https` has its own way, CONNECT.
    case otherScheme(isHTTPS: Bool)
    /// Where the body ends could be read in two ways.
    case ambiguousLength
    /// A body in a coding after which nobody knows where it ends.
    case unknownCoding
}

/// Which fields are for the next hop only (RFC 9110 section 7.6.1), and so do not go through a proxy.
struct HopByHop {
    private let named: Set<[UInt8]>

    private static let always: Set<[UInt8]> = Set(
        [
            "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te",
            "upgrade",
        ].map { Array($0.utf8) })

    /// Whoever names these in `Connection` wants the two ends to disagree about the message.
    private static let never: Set<[UInt8]> = Set(
        ["content-length", "transfer-encoding", "host"].map { Array($0.utf8) })

    init(_ head: HTTPHead) throws(HTTPHead.Failure) {
        guard let named = head.listItems(of: "Connection") else { throw .malformed }
        self.named = Set(named).subtracting(Self.never)
    }

    func contains(_ name: ArraySlice<UInt8>) -> Bool {
        let name = name.map(HTTPHead.lowercased)
        return Self.always.contains(name) || named.contains(name)
    }
}
