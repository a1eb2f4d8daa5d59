import WstanBase
import WstanControl

/// Which of several servers with one key a request is for: none, or up to 32 bytes that name an instance. It goes into every
/// transcript, so that a request for one is nothing to another, which does not know what the first has seen.
package struct Realm: Hashable, Sendable, CustomStringConvertible {
    static let mostBytes = KeyStringText.mostRealmBytes
    package static let none = Realm(checked: [])

    package let bytes: [UInt8]

    /// - Returns: nil for more than 32 bytes.
    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count <= Self.mostBytes else { return nil }
        self.bytes = Array(bytes)
    }

    private init(checked bytes: [UInt8]) {
        self.bytes = bytes
    }

    package var description: String { Printable.ascii(bytes) }
}
