/// The constants of version 2 that bound a handshake (protocol-v2.md section 2), in bytes where nothing else is said.
enum HandshakeBounds {
    static let salt = 16
    static let publicKey = 32
    /// P1 has two lengths and a message of one byte at the least.
    static let leastRequest = salt + RequestHeader.boxSize + 5 + AEAD.tagSize
    static let mostRequest = 4608
    static let leastReply = publicKey + ReplyPayload.leastSize + AEAD.tagSize
    static let mostReply = 4096
    /// Of a request's message.
    static let earlyData = 4096
    static let requests = leastRequest...mostRequest
    static let replies = leastReply...mostReply

    /// Of base64url, in characters: what is shorter or longer is no candidate for a request.
    static let candidates = 135...2 * cookie
    /// The longest value of a cookie, in characters.
    static let cookie = 3800

    /// How far the time of a request may be from the server's, in milliseconds (`request-ttl`).
    static let lifetime: UInt64 = 60_000
}
