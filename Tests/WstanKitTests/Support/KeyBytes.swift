@testable import WstanCore

extension Key {
    /// A copy, which only tests want.
    var bytes: [UInt8] { withBytes { Array($0) } }
}

extension TunnelKey {
    /// Of a key of version 1.
    var bytes: [UInt8]? { if case .v1(let key) = self { key.bytes } else { nil } }
}
