@testable import WstanCore

extension FuzzTarget {
    /// What the kernel tells of its routes: nothing is read beyond its end, what is told twice adds nothing, and
    /// what is remembered is bounded.
    static let routeMessages = FuzzTarget(
        "route-messages",
        seeds: [
            // An address, 10.99.0.1, that has come; a default route.
            [
                32, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 24, 0, 0, 2, 0, 0, 0, 8, 0, 2, 0, 10, 99, 0, 1,
                28, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0,
            ],
            [16, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
    ) { input in
        // In memory of its own, so that reading past its end is seen.
        let bytes = input.rest()
        var once = NetworkChange()
        bytes.withUnsafeBytes { RouteMessages.read($0, into: &once) }
        var twice = once
        bytes.withUnsafeBytes { RouteMessages.read($0, into: &twice) }
        require(once.mayBeAnything || twice.addresses == once.addresses, "the same again adds nothing")
        require(once.addresses.count <= NetworkChange.mostAddresses, "bounded")
    }
}
