/// Every bound on a ring.
package enum KeyRingBounds {
    /// Names with a key of version 1. Each such key costs every request without a good tag the time of one more MAC.
    package static let names = 256
    /// Keys of version 1.
    package static let keys = 1024
    /// Names with a key of version 2, which costs no request anything.
    package static let users = 16_384
    /// Keys of version 2.
    package static let userKeys = 32_768
    package static let nameLength = 64
    /// Previous keys of one name and one version.
    package static let previous = 16
    /// Of the ring when it is stored: a line is 200 bytes at most.
    package static let fileSize = 8 * 1024 * 1024
    /// A former key is not accepted for longer than this, whatever is asked for.
    static let grace: Duration = .seconds(10 * 366 * 86_400)
}
