/// Which fields are for the next hop only (RFC 9110 section 7.6.1), and so do not go through a proxy.
struct HopByHop {
    private let named: Set<[UInt8]>

    private static let always: Set<[UInt8]> = Set(
        [
            "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate",
            "proxy-authentication-info", "te", "upgrade",
        ].map { Array($0.utf8) })

    /// These in `Connection` would make the two ends disagree about the message.
    private static let never: Set<[UInt8]> = Set(
        ["content-length", "transfer-encoding", "host"].map { Array($0.utf8) })

    init(_ head: HTTPHead) throws(HTTPHead.Failure) {
        guard let named = head.listItems(of: "Connection") else { throw .list("Connection", HTTPHead.maxItems) }
        self.named = Set(named).subtracting(Self.never)
    }

    func contains(_ name: ArraySlice<UInt8>) -> Bool {
        let name = name.map(HTTPHead.lowercased)
        return Self.always.contains(name) || named.contains(name)
    }
}
