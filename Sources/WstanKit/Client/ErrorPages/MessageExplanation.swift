import WstanBase

/// What is wrong with a message, with the limit that it exceeds and the field that is concerned.
extension HTTPHead.Failure {
    /// - Parameter here: where this proxy is.
    func explanationOfRequest(here: String) -> Explanation {
        switch self {
        case .notHTTP, .inTLS, .cutShort, .status, .unaskedUpgrade, .interimAnswersTooLong:
            return Explanation(
                400, "The request is not HTTP",
                "This is a proxy. A request begins with a method, an address and HTTP/1.1, one space between each.",
                advice: ["`curl -v -x http://\(here) http://example.com/` shows one that is right."])
        case .field(let name):
            return Explanation(
                400, "A field of the request cannot be read",
                "It has no colon, a blank before its colon, or continues the line before it.",
                advice: [Self.changed], quoting: name)
        case .lineEnd:
            return Explanation(
                400, "The lines of the request end in different ways",
                "A line ends in LF where others end in CR LF, or a CR or a NUL stands within one.",
                advice: [Self.changed])
        case .firstLineTooLong(let limit):
            return Explanation(
                414, "The address is too long", "The first line of a request may have \(limit / 1024) KiB.",
                advice: ["Send the data in the body of a request (POST), if the site takes them so."])
        case .tooLong(let limit):
            return Explanation(
                431, "The head of the request is too long", "It may have \(limit / 1024) KiB.", advice: [Self.cookies])
        case .tooManyFields(let limit):
            return Explanation(
                431, "The request has too many fields", "It may have \(limit).", advice: [Self.cookies])
        case .list(let name, let limit):
            return Explanation(
                400, "The field \(name) is too long", "It may name \(limit) items.", advice: [Self.changed])
        case .length(let value):
            return Explanation(
                400, "The length of the request is not clear", "`Content-Length` is not one number.",
                advice: ["Send the body chunked, or with its length."], quoting: value)
        case .chunk:
            return Explanation(
                400, "The body of the request cannot be read",
                "Its chunks are malformed. Each begins with its size in hexadecimal digits and CR LF, and ends in CR LF.",
                advice: [Self.changed])
        case .chunkLineTooLong(let limit):
            return Explanation(
                400, "The body of the request cannot be read",
                "The size of a chunk, with its extensions, has more than \(limit) bytes.",
                advice: [Self.changed])
        case .trailersTooLong(let limit):
            return Explanation(
                400, "The trailer of the request is too long", "It may have \(limit / 1024) KiB.",
                advice: [Self.changed])
        }
    }

    private static let changed = "If it comes from a browser, a program between it and this proxy may have changed it."
    private static let cookies = "The cookies of the site may be too many: delete them."

    /// - Parameter hop: between which two of the way.
    func explanation(ofAnswerBy host: String, hop: Explanation.Hop) -> Explanation {
        func unreadable(_ title: String, _ cause: String, quoting quote: String? = nil) -> Explanation {
            Explanation(
                502, title, cause,
                advice: ["The site's administrator can correct that. Connect without the proxy to compare."],
                hop: hop, quoting: quote)
        }
        let title = "The answer of \(host) cannot be read"
        switch self {
        case .inTLS:
            return Explanation(
                502, "\(host) speaks TLS on that port", "It answered http:// with a message of TLS.",
                advice: ["Use `https://`."], hop: hop)
        case .notHTTP, .lineEnd, .field:
            return Explanation(
                502, "\(host) did not answer in HTTP", "What came back does not begin as an answer in HTTP does.",
                advice: ["Check the port: possibly another protocol is spoken there."], hop: hop)
        case .cutShort:
            return Explanation(
                502, "\(host) broke its answer off", "It closed the connection within the head of its answer.",
                advice: ["Try again."], hop: hop)
        case .firstLineTooLong(let limit), .tooLong(let limit):
            return unreadable("The head of the answer is too long", "It may have \(limit / 1024) KiB.")
        case .tooManyFields(let limit):
            return unreadable("The answer of \(host) has too many fields", "It may have \(limit).")
        case .list(let name, let limit):
            return unreadable("The field \(name) of the answer is too long", "It may name \(limit) items.")
        case .length(let value):
            return unreadable(
                "The length of the answer is not clear", "`Content-Length` is not one number.", quoting: value)
        case .status(let status):
            return unreadable(title, "Its status is \(status); a status has three digits, and the first is not 0.")
        case .unaskedUpgrade:
            return unreadable(title, "It changes the protocol (101), which the request did not ask for.")
        case .interimAnswersTooLong(let limit):
            return unreadable(title, "Its interim answers (1xx) have more than \(limit / 1024) KiB.")
        case .chunk:
            return unreadable(title, "Its chunks are malformed.")
        case .chunkLineTooLong(let limit):
            return unreadable(title, "The size of a chunk, with its extensions, has more than \(limit) bytes.")
        case .trailersTooLong(let limit):
            return unreadable(title, "Its trailer has more than \(limit / 1024) KiB.")
        }
    }
}
