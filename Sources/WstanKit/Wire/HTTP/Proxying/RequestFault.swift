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
