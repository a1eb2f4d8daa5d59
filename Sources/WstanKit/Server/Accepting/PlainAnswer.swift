import WstanBase
import WstanConfig

/// What everything gets that is not a valid request: one and the same answer, which any web server might give.
struct PlainAnswer {
    /// With its number: `404 Not Found`.
    private let status: String
    private let title: String
    /// Besides those of every answer.
    private var fields: [String] = []

    init(_ status: Settings.PlainAnswer.Status) {
        self.status = "\(status.rawValue) \(status.reason)"
        title = status == .ok ? "Welcome" : self.status
    }

    private init(status: String, fields: [String]) {
        (self.status, title, self.fields) = (status, status, fields)
    }

    /// For a valid request that cannot be served now (RFC 9110 sections 15.6.4 and 10.2.3). Our clients try again by
    /// themselves.
    static let busy = PlainAnswer(status: "503 Service Unavailable", fields: ["Retry-After: 5"])

    /// - Parameters:
    ///   - now: seconds since the epoch. Our clients read the date to tell a user whose clock is wrong.
    ///   - withBody: false in answer to HEAD (RFC 9110 section 9.3.2).
    func bytes(now: Double, withBody: Bool = true) -> [UInt8] {
        let body = "<html>\r\n<head><title>\(title)</title></head>\r\n<body><h1>\(title)</h1></body>\r\n</html>\r\n"
        return Array(
            """
            HTTP/1.1 \(status)\r
            Server: \(ServerLimits.serverName)\r
            Date: \(HTTPDate.format(Int64(now)))\r
            Content-Type: text/html\r
            Content-Length: \(body.utf8.count)\r
            Connection: close\r
            \(fields.map { $0 + "\r\n" }.joined())\r
            \(withBody ? body : "")
            """.utf8)
    }
}
