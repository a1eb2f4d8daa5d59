/// Why a request to the proxy is not forwarded. Texts are as much of what came as may be shown.
enum RequestFault: Error, Equatable {
    /// The head, or the framing of the body, cannot be read.
    case unreadable(HTTPHead.Failure)
    /// A version other than HTTP/1.x.
    case otherVersion(String)
    /// Several `Host` fields.
    case hosts
    /// A target that is no absolute URI.
    case unusableTarget
    case noHost
    /// The port is no number from 1 to 65535.
    case port
    /// The host has characters that are not of ASCII.
    case foreignName
    /// The host is an IPv6 address with a zone, which means something on its own host only.
    case zone
    /// CONNECT, and then no `host:port`.
    case connectTarget
    /// `GET /path`: what a browser sends to a web server. It has been pointed at us, not told to use us.
    case meantForServer
    /// A URI of another scheme than http; `https` has its own way, CONNECT.
    case otherScheme(String)
    /// Where the body ends could be read in two ways.
    case ambiguousLength
    /// A body in a coding after which it is not known where it ends.
    case unknownCoding(String)
}
