/// Every bound on what a peer may send within a message. The constants of the protocol stand with their types; these
/// are our own choice.
package enum WireLimits {
    /// A request in a message: a Python client sends the whole head of a plain HTTP request in it, up to 96 KiB.
    static let request = 96 * 1024 + 512
    /// A datagram in a message: the longest there is (65,527 bytes over IPv6), a name and what stands around them.
    static let datagram = 65_527 + 278
    /// A reset: two texts and the padding. Python cuts neither text.
    static let reset = 8 * 1024
    /// The longest reason, and the longest detail, that we send.
    static let resetText = 1024
    /// The first data of a user agent that ride in a request, as in 0.5.
    package static let earlyData = 4096
}
