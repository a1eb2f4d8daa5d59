import WstanConfig

/// Why a proxy on the way to the server did not connect to it.
package enum ProxyRefusal: Error, Equatable {
    /// An HTTP proxy's answer, other than 407.
    case status(Int, reason: String)
    /// 407: it wants to know who asks, and was not told. With its reason phrase.
    case wantsCredentials(reason: String)
    /// 407: it was told, and does not believe it.
    case wrongCredentials(reason: String)
    /// 407: it speaks other schemes than Basic (RFC 7617), these.
    case otherSchemes([String], reason: String)
    /// A SOCKS5 proxy's code (RFC 1928 section 6).
    case socks(UInt8)
    /// A SOCKS5 proxy takes none of the methods on offer: with `credentials` name and password, and none; else none.
    case socksMethods(hasCredentials: Bool)
    case socksCredentials
    /// The answer is not in the protocol that was spoken.
    case unreadable(ProxyAddress.Scheme)
    /// It ended the connection instead of answering.
    case cut
    case silent

    /// Whether a server that is being restarted behind the proxy, or the proxy itself, looks like this.
    var mayBeRestart: Bool {
        switch self {
        case .status(let status, _): (502...504).contains(status)
        case .socks(let code): [1, 4, 5].contains(code)
        case .cut: true
        case .wantsCredentials, .wrongCredentials, .otherSchemes, .socksMethods, .socksCredentials, .unreadable,
            .silent:
            false
        }
    }
}
