@testable import WstanCore

extension Key {
    /// A copy, which only tests want.
    var bytes: [UInt8] { withBytes { Array($0) } }
}
