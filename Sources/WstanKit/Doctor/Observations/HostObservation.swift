import WstanCore

/// What a server needs of its host.
struct HostObservation {
    /// nil: the kernel does not say.
    var clockIsSynchronised: Bool?
    /// Open files that the process may have.
    var descriptorLimit: Int
    /// 0: no limit.
    var maxTunnels: Int
    var hasIPv6: Bool
    var requestLifetime: Duration

    var findings: [Finding] { [clock, descriptors, ipv6].compactMap { $0 } }

    private var clock: Finding? {
        switch clockIsSynchronised {
        case true?: .ok("clock", "it is synchronised")
        case false?:
            .warning(
                "clock",
                "it is not synchronised, and requests that are \(HumanText.seconds(requestLifetime.inSeconds)) off are refused",
                remedy: "timedatectl set-ntp true, or install chrony; in a container the host's clock counts")
        case nil: nil
        }
    }

    /// Two for each tunnel, and some are kept back.
    private var descriptors: Finding {
        let tunnels = max(0, descriptorLimit - Descriptors.reserve(of: descriptorLimit)) / 2
        guard maxTunnels == 0 || tunnels < maxTunnels else {
            return .ok("open files", "\(descriptorLimit) may be open, enough for \(maxTunnels) tunnels")
        }
        if maxTunnels == 0 { return .ok("open files", "\(descriptorLimit) may be open, for \(tunnels) tunnels") }
        // Whichever bound of the reserve counts.
        let needed = min(maxTunnels * 2 / 7 * 8 + 32, maxTunnels * 2 + Descriptors.largestReserve)
        return .warning(
            "open files", "\(descriptorLimit) may be open, for \(tunnels) tunnels, and max-tunnels is \(maxTunnels)",
            remedy: "LimitNOFILE=\(needed) in the unit (in a shell: ulimit -Hn \(needed); in a container, outside it: "
                + "--ulimit nofile=\(needed)), or max-tunnels = \(tunnels)")
    }

    private var ipv6: Finding {
        .ok("IPv6", hasIPv6 ? "this host has a route" : "this host has none, so targets are reached by IPv4 only")
    }
}
