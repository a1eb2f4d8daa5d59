import ArgumentParser
import WstanControl

/// Of which version of the protocol a key is.
enum KeyVersion: String, EnumerableFlag {
    case v1, v2

    static func help(for version: KeyVersion) -> ArgumentHelp? {
        switch version {
        case .v1: "A key of version 1 of the protocol: base64 of 16 bytes."
        case .v2: "A key of version 2 of the protocol: a string that begins with wstan2:."
        }
    }

    /// As the interface has it.
    var number: Int {
        switch self {
        case .v1: 1
        case .v2: 2
        }
    }
}
