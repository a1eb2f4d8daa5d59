import WstanBase

/// Gathers the first bytes of a connection, until somebody can tell what they mean.
package struct BufferedReader {
    package let stream: Stream
    /// What has come and was not used.
    package var bytes: [UInt8] = []
    /// Whether anything has come at all.
    private(set) var hasReceived = false
    /// Whether what came began as a HEAD request, whose answer has no body.
    private(set) var startsWithHEAD = false
    /// Where the connection is one of those whose waits are limited.
    var place: HandshakePlace?

    package enum Progress: Equatable {
        case more
        /// The peer has ended, or the deadline has passed, or the socket is of no more use.
        case over
        case reset
        case timedOut
    }

    /// Hostile peers fill this much for each of their connections, so it is less than a relay reads at once.
    static let readSize = 16 * 1024

    /// - Parameter bytes: what has been read from the stream and not used so far.
    package init(_ stream: Stream, bytes: [UInt8] = [], at place: HandshakePlace? = nil) {
        self.stream = stream
        self.place = place
        if !bytes.isEmpty { received(bytes[...]) }
    }

    /// Waits for bytes and appends them.
    package mutating func readMore(deadline: Instant) async -> Progress {
        place?.wait(for: hasReceived ? .moreBytes : .firstBytes)
        defer { place?.goOn() }
        switch await stream.readNext(upTo: { Self.readSize }, deadline: deadline) {
        case .bytes(let more):
            received(more)
            return .more
        case .end, .closed, .unwanted: return .over
        case .failed(let error): return error.isReset ? .reset : .over
        case .timedOut: return .timedOut
        }
    }

    private mutating func received(_ more: some Collection<UInt8>) {
        bytes.append(contentsOf: more)
        // Empty lines may come first (RFC 9112 section 2.2).
        if !hasReceived { startsWithHEAD = bytes.drop { $0 == 13 || $0 == 10 }.starts(with: "HEAD ".utf8) }
        hasReceived = true
    }

    /// Reads until the bytes hold a whole HTTP head, which is taken from them.
    ///
    /// - Throws: when it cannot become one within `limit` bytes.
    mutating func readHead(
        as kind: HTTPHead.Kind = .request, limit: Int, deadline: Instant
    ) async throws(HTTPHead.Failure) -> HeadResult {
        var gatherer = HeadGatherer(limit: limit, as: kind)
        var new = bytes
        bytes = []
        while true {
            if let head = try new.withBytes({ (more) throws(HTTPHead.Failure) in try gatherer.append(more) }) {
                bytes = Array(gatherer.rest)
                stream.heldHead = 0
                return .success(head)
            }
            // Counts until the head is there, or the reader has given up.
            stream.heldHead = gatherer.bytes.count
            let progress = await readMore(deadline: deadline)
            guard progress == .more else { return .failure(Interruption(progress: progress)) }
            new = bytes
            bytes = []
        }
    }

    typealias HeadResult = Result<HTTPHead, Interruption>

    /// Why a head did not come to its end.
    struct Interruption: Error, Equatable {
        let progress: Progress
    }
}
