/// Every bound on what a message may make its reader do, apart from its head. The bound on heads is their reader's.
enum HTTPLimits {
    /// A chunk's size and its extensions.
    static let chunkLine = 1024
    /// All trailer fields of a message.
    static let trailers = 16 * 1024
    /// Interim answers to one request: each is a write of its own. A target that sends one every ten seconds to say
    /// that it works on it has hours.
    static let interimAnswers = 1000
}
