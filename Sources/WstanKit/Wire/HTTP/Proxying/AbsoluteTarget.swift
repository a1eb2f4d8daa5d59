import WstanBase

/// A request target in absolute form (RFC 9112 section 3.2.2), which is what a proxy gets:
/// `http://[user:password@]host[:port]/path?query`.
struct AbsoluteTarget: Equatable {
    /// Without the brackets' contents being looked at.
    let host: String
    let port: UInt16
    /// Host and port, for the `Host` field.
    let authority: String
    /// Path and query as they came; or empty.
    let resource: [UInt8]
    /// The name and the password before the host, `name:password` without percent-encoding; nil without them.
    let credentials: [UInt8]?

    private static let scheme = "http://"

    init(_ target: ArraySlice<UInt8>) throws(RequestFault) {
        guard HTTPHead.isEqual(target.prefix(7), Self.scheme) else { throw Self.fault(of: target) }
        // RFC 9110 section 7.1: a fragment is no part of the target; some programs send it all the same.
        let rest = target.dropFirst(7).prefix { $0 != UInt8(ascii: "#") }
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        resource = Array(rest.dropFirst(authority.count))
        // RFC 3986 section 3.2.1 has one @, but what was typed may hold more: browsers cut at the last one.
        let userInformation = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[..<$0] }
        credentials = try Self.credentials(userInformation)
        let place = userInformation.map { authority[($0.endIndex + 1)...] } ?? authority
        // Behind the brackets of an IPv6 address, if there are any.
        let bracket = place.lastIndex(of: UInt8(ascii: "]")) ?? place.startIndex
        let colon = place[bracket...].firstIndex(of: UInt8(ascii: ":"))
        let host = try Self.host(place[..<(colon ?? place.endIndex)])
        let digits = colon.map { place[($0 + 1)...] } ?? []
        port = try Self.port(digits)
        self.host = host
        self.authority = colon == nil ? host : host + ":" + String(decoding: digits, as: UTF8.self)
    }

    private static func credentials(_ userInformation: ArraySlice<UInt8>?) throws(RequestFault) -> [UInt8]? {
        guard let userInformation, userInformation.contains(where: { $0 != UInt8(ascii: ":") }) else { return nil }
        // Browsers read it as a slash, so that what stands before it would be the host.
        guard !userInformation.contains(UInt8(ascii: "\\")) else { throw .unusableTarget }
        // A % that encodes nothing was typed as it is.
        let decoded = PercentEncoding.decode(userInformation) ?? Array(userInformation)
        return userInformation.contains(UInt8(ascii: ":")) ? decoded : decoded + [UInt8(ascii: ":")]
    }

    /// RFC 3986 section 3.2.2. A name that needs no percent-encoding may have it.
    private static func host(_ text: ArraySlice<UInt8>) throws(RequestFault) -> String {
        guard !text.isEmpty else { throw .noHost }
        if text.first == UInt8(ascii: "["), text.contains(UInt8(ascii: "%")) { throw .zone }
        guard let host = PercentEncoding.decode(text) else { throw .unusableTarget }
        guard host.allSatisfy({ $0 < 0x80 }) else { throw .foreignName }
        guard host.allSatisfy(isHostByte) else { throw .unusableTarget }
        return String(decoding: host, as: UTF8.self)
    }

    /// RFC 3986 section 3.2.3: it may be empty.
    private static func port(_ digits: ArraySlice<UInt8>) throws(RequestFault) -> UInt16 {
        guard !digits.isEmpty else { return 80 }
        guard digits.allSatisfy({ (48...57).contains($0) }), let port = UInt16(String(decoding: digits, as: UTF8.self)),
            port > 0
        else { throw .port }
        return port
    }

    private static func fault(of target: ArraySlice<UInt8>) -> RequestFault {
        if target.first == UInt8(ascii: "/") { return .meantForServer }
        let scheme = target.prefix { $0 != UInt8(ascii: ":") }
        guard target.dropFirst(scheme.count).starts(with: "://".utf8), (1...20).contains(scheme.count),
            scheme.allSatisfy(isSchemeByte)
        else { return .unusableTarget }
        return .otherScheme(String(decoding: scheme.map(HTTPHead.lowercased), as: UTF8.self))
    }

    /// RFC 3986 section 3.1.
    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: "+-.".utf8.contains(byte)
        }
    }

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
