import ArgumentParser
import WstanControl

extension KeyVersion: EnumerableFlag {
    public static func help(for version: KeyVersion) -> ArgumentHelp? {
        switch version {
        case .v1: "A key of version 1 of the protocol: base64 of 16 bytes."
        case .v2: "A key of version 2 of the protocol: a string that begins with wstan2:."
        }
    }
}
