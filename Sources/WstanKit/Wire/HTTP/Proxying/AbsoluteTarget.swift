/// A request target in absolute form (RFC 9112 section 3.2.2), which is what a proxy gets:
/// `http://host[:port]/path?query`.
struct AbsoluteTarget: Equatable {
    /// Without the brackets' contents being looked at.
    let host: String
    let port: UInt16
    /// Host and port as they came, for the `Host` field.
    let authority: String
    /// Path and query as they came; empty when there are none.
    let resource: [UInt8]

    private static let scheme = "http://"

    init(_ target: ArraySlice<UInt8>) throws(RequestFault) {
        guard target.count > Self.scheme.utf8.count, HTTPHead.isEqual(target.prefix(7), Self.scheme) else {
            throw Self.fault(of: target)
        }
        // A fragment has no place in a request target.
        guard !target.contains(UInt8(ascii: "#")) else { throw .unusableTarget }
        let rest = target.dropFirst(Self.scheme.utf8.count)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard !authority.contains(UInt8(ascii: "@")) else { throw .userInformation }
        var host = authority
        var port: UInt16 = 80
        // Behind the brackets of an IPv6 address, if there are any.
        let bracket = authority.lastIndex(of: UInt8(ascii: "]")) ?? authority.startIndex
        if let colon = authority[bracket...].firstIndex(of: UInt8(ascii: ":")) {
            host = authority[..<colon]
            let digits = authority[(colon + 1)...]
            // RFC 3986 section 3.2.3: the port may be empty.
            if !digits.isEmpty {
                guard digits.allSatisfy({ (48...57).contains($0) }),
                    let number = UInt16(String(decoding: digits, as: UTF8.self))
                else { throw .unusableTarget }
                port = number
            }
        }
        guard !host.isEmpty, host.allSatisfy(Self.isHostByte) else { throw .unusableTarget }
        self.host = String(decoding: host, as: UTF8.self)
        self.port = port
        self.authority = String(decoding: authority, as: UTF8.self)
        resource = Array(rest.dropFirst(authority.count))
    }

    private static func fault(of target: ArraySlice<UInt8>) -> RequestFault {
        if target.first == UInt8(ascii: "/") { return .meantForServer }
        let scheme = target.prefix { $0 != UInt8(ascii: ":") }
        guard target.dropFirst(scheme.count).starts(with: "://".utf8), !HTTPHead.isEqual(scheme, "http") else {
            return .unusableTarget
        }
        return .otherScheme(isHTTPS: HTTPHead.isEqual(scheme, "https"))
    }

    /// RFC 3986 section 3.2.2, without percent-encoding: no name that is looked up has any.
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: "-._~!$&'()*+,;=[]:".utf8.contains(byte)
        }
    }

    /// The target in the form that a server gets (RFC 9112 section 3.2.1, and 3.2.4 for OPTIONS).
    func originForm(method: ArraySlice<UInt8>) -> [UInt8] {
        if resource.isEmpty { return Array((method.elementsEqual("OPTIONS".utf8) ? "*" : "/").utf8) }
        return resource.first == UInt8(ascii: "/") ? resource : [UInt8(ascii: "/")] + resource
    }
}
