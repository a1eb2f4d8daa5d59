/// What admission judges a request by that came as a message. What it means is the version's business.
package struct RequestStamp: Equatable, Sendable {
    /// When the request was made, in seconds since the epoch; nil when its version proves in another way that it is new.
    var time: Double?
    /// To be remembered until the time has run out, and refused when it is already; nil when the same bytes cannot be a request
    /// once more.
    var identity: RequestIdentity?
}

/// What is unique to a request.
struct RequestIdentity: Hashable, Sendable {
    let token: Nonce
}
