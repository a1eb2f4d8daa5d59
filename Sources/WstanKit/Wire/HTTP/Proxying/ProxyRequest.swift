import WstanBase

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
        guard let line = head.requestLine else {
            throw head.otherVersion.map { .otherVersion($0) } ?? .unreadable(.notHTTP)
        }
        target = try AbsoluteTarget(line.target)
        body = try MessageBody(ofRequest: head)
        // The URI says where it goes, whatever `Host` says; but two of them are a quarrel (RFC 9112 section 3.2).
        guard head.values(of: "Host").count <= 1 else { throw .hosts }
        guard let options = head.listItems(of: "Connection"), let hopByHop = try? HopByHop(head) else {
            throw .unreadable(.list("Connection", HTTPHead.maxItems))
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
        let forwards = MaxForwards(head)
        for field in head.allFields
        where !hopByHop.contains(field.name) && !HTTPHead.isEqual(field.name, "Host") {
            if let forwards, HTTPHead.isEqual(field.name, MaxForwards.name) {
                forwarded.add(MaxForwards.name, "\(forwards.next)")
            } else {
                forwarded.add(field.name, field.value)
            }
        }
        // RFC 9110 section 4.2.4: what was typed before the host has no place in a message's target, and one here.
        if let credentials = target.credentials, head.values(of: "Authorization").isEmpty {
            forwarded.add("Authorization", "Basic " + Base64.encode(credentials))
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
